/** `parley user`: the accounts of a domain that keeps them in SQLite. A running relay sees every change at once. */
import { SqliteAccounts } from "../accounts/sqlite.ts";
import { alternatives } from "../config/shapes.ts";
import { suggestion } from "../config/nearest.ts";
import type { Settings } from "../config/settings.ts";
import type { Command, Given } from "./command.ts";
import { configurationFile, configurationFlags, readConfiguration, shortPath } from "./configuration.ts";
import { givenPassword } from "./password.ts";
import { Refusal, type Terminal, UsageError } from "./terminal.ts";

const actions = ["add", "passwd", "remove", "list"] as const;
type Action = (typeof actions)[number];

export const user: Command = {
  name: "user",
  usage: ["add|passwd NAME [--password PASSWORD | --generate]", "remove NAME", "list"],
  summary: "adds, changes, removes and lists accounts",
  about:
    "NAME is alice, or alice@example.com where there are several domains. Without --password or --generate the\n" +
    "password is asked for, or read from standard input.",
  flags: {
    ...configurationFlags,
    domain: { value: "DOMAIN", help: "whose account it is" },
    password: { value: "PASSWORD", help: "the password; other users of this machine may see it in the process list" },
    generate: { help: "makes a password and prints it" },
  },
  positionals: [1, 2],
  async run(given, terminal) {
    const action = actionOf(given);
    const file = configurationFile(given, terminal);
    const settings = readConfiguration(file, terminal);
    if (settings === undefined) throw new Refusal(`${shortPath(file, terminal)} has errors`);
    if (action === "list") return list(settings, given, terminal);
    const { username, domain } = whom(settings, given);
    const store = openSqlite(settings, domain);
    try {
      return await change(action, store, username, domain, given, terminal);
    } finally {
      store.close();
    }
  },
};

function actionOf({ positionals }: Given): Action {
  const [word = "", name] = positionals;
  const action = actions.find((known) => known === word);
  if (action === undefined) throw new UsageError(`user ${word}: ${alternatives(actions)}${suggestion(word, actions)}`);
  if (action === "list" && name !== undefined) throw new UsageError("user list takes no NAME");
  if (action !== "list" && name === undefined) throw new UsageError(`user ${action} needs a NAME`);
  return action;
}

async function change(
  action: Exclude<Action, "list">,
  store: SqliteAccounts,
  username: string,
  domain: string,
  given: Given,
  terminal: Terminal,
): Promise<number> {
  const who = `${username}@${domain}`;
  if (action === "remove") {
    if (!store.remove(username, domain)) throw new Refusal(`there is no user ${who}`);
    terminal.out(`removed ${who}; sessions it has now last until they end`);
    return 0;
  }
  const known = (await store.find(username, domain)) !== undefined;
  if (action === "add" && known) throw new Refusal(`${who} exists; parley user passwd sets a new password`);
  if (action === "passwd" && !known) throw new Refusal(`there is no user ${who}; parley user add makes one`);
  const { password, generated } = await givenPassword(given, terminal);
  const done = action === "add" ? store.add(username, domain, password) : store.setPassword(username, domain, password);
  if (!done) throw new Refusal(`somebody else has changed ${who} meanwhile`);
  const what = action === "add" ? `added ${who}` : `set a new password for ${who}`;
  terminal.out(generated ? `${what}, password ${password}` : what);
  return 0;
}

function list(settings: Settings, given: Given, terminal: Terminal): number {
  const wanted = given.text("domain");
  const domains = wanted === undefined ? sqliteDomains(settings) : [known(settings, wanted)];
  if (domains.length === 0) throw new Refusal(noSqlite);
  for (const domain of domains) {
    const store = openSqlite(settings, domain);
    for (const account of store.list()) {
      if (account.domain === domain)
        terminal.out(`${account.username}@${account.domain}  password set ${account.changed}`);
    }
    store.close();
  }
  return 0;
}

/** The user that NAME, `NAME@DOMAIN` or --domain means. */
function whom(settings: Settings, given: Given): { readonly username: string; readonly domain: string } {
  const [, name = ""] = given.positionals;
  const at = name.lastIndexOf("@");
  const username = at < 0 ? name : name.slice(0, at);
  const named = at < 0 ? undefined : name.slice(at + 1);
  const flag = given.text("domain");
  if (named !== undefined && flag !== undefined)
    throw new UsageError(`the domain is given twice: ${name} and --domain`);
  // A colon would make `a:b` + `c` and `a` + `b:c` the same to Digest (RFC 7616 §3.4.4).
  if (!/^[^\p{Cc}:"\\]{1,128}$/u.test(username)) {
    throw new UsageError(`${JSON.stringify(username)} is no user name: 1 to 128 characters without : " \\`);
  }
  return { username, domain: known(settings, named ?? flag ?? onlyDomain(settings)) };
}

function onlyDomain(settings: Settings): string {
  const domains = sqliteDomains(settings);
  const [first] = domains;
  if (first === undefined) throw new Refusal(noSqlite);
  if (domains.length > 1) throw new UsageError(`say which domain: --domain ${alternatives(domains)}`);
  return first;
}

const noSqlite = "no domain of this configuration keeps its accounts in SQLite";

function sqliteDomains({ accounts, accountsOf }: Settings): string[] {
  return [...accountsOf].filter(([, store]) => accounts.get(store)?.type === "sqlite").map(([domain]) => domain);
}

function known({ accountsOf }: Settings, domain: string): string {
  const name = domain.toLowerCase();
  if (accountsOf.has(name)) return name;
  throw new Refusal(`the configuration has no domain ${domain}${suggestion(domain, [...accountsOf.keys()])}`);
}

function openSqlite({ accounts, accountsOf }: Settings, domain: string): SqliteAccounts {
  const name = accountsOf.get(domain) ?? "";
  const store = accounts.get(name);
  if (store?.type !== "sqlite")
    throw new Refusal(`accounts.${name} is not in SQLite, and its users are managed elsewhere`);
  try {
    return new SqliteAccounts(store.path);
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error));
  }
}
