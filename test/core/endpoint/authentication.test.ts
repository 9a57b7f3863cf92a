import { describe, expect, test } from "vitest";
import { Authenticator } from "../../../core/auth/authenticator.ts";
import type { Authentication, AuthenticationOptions } from "../../../core/endpoint/authentication.ts";
import type { Failure } from "../../../core/endpoint/failure.ts";
import type { Credential, DigestAlgorithm } from "../../../core/ports.ts";
import { dice, endpoint, Scripted } from "./pair.ts";

const uri = "msrps://relay.example.com;tcp";
const own = "msrps://alice.invalid:9/alice;tcp";
const path = "msrps://relay.example.com:9000/jui787s2f;tcp";
const alice: Credential = { password: "secret" };

/** An AUTH as the endpoint wrote it. */
interface Asked {
  readonly id: string;
  readonly headers: Record<string, string>;
}

/** An endpoint that authenticates, and the hand that answers it. */
class Dialogue {
  readonly it: Scripted;
  readonly told: string[] = [];
  readonly authentication: Authentication;

  constructor(options: Partial<AuthenticationOptions> = {}) {
    this.it = new Scripted(
      endpoint({
        sink: {
          authenticated: ({ usePath }) => this.told.push(usePath),
          authenticationFailed: (_, { by, status }: Failure) => this.told.push(`failed ${status} by ${by}`),
        },
      }),
    );
    this.authentication = this.it.endpoint.authenticate(
      { own, relays: [{ uri, username: "alice", credential: alice }], ...options },
      this.it.now,
    );
  }

  asked(): Asked {
    const lines = this.it.sent().split("\r\n");
    const start = /^MSRP (\S+) AUTH$/.exec(lines[0] ?? "");
    if (start === null) throw new Error(`no AUTH but ${lines[0]}`);
    expect(lines.slice(-2)).toEqual([`-------${start[1]}$`, ""]);
    const headers = Object.fromEntries(lines.slice(1, -2).map((line) => line.split(/: (.*)/s).slice(0, 2)));
    return { id: start[1] as string, headers };
  }

  answers({ id, headers }: Asked, status: string, ...more: string[]): void {
    const relay = headers["To-Path"] as string;
    this.it.says(`MSRP ${id} ${status}`, `To-Path: ${own}`, `From-Path: ${relay}`, ...more, `-------${id}$`);
  }
}

/** A relay that means it. */
class Relay {
  readonly domain: { name: string; algorithms: DigestAlgorithm[] };
  readonly #authenticator = new Authenticator(dice(4976), 300);
  constructor(name = "relay.example.com", algorithms: DigestAlgorithm[] = ["SHA-256", "MD5"]) {
    this.domain = { name, algorithms };
  }

  challenges(now: number, stale = false): string[] {
    return this.#authenticator.challenge(this.domain, stale, now).map((value) => `WWW-Authenticate: ${value}`);
  }

  /** Authentication-Info, or the fault. */
  judges({ headers }: Asked, now: number): string {
    const claim = this.#authenticator.begin(
      headers["Authorization"],
      headers["To-Path"]?.split(" ").at(-1) as string,
      this.domain,
    );
    if (typeof claim === "string") return claim;
    const verdict = this.#authenticator.finish(claim, claim.username === "alice" ? alice : undefined, now);
    return typeof verdict === "string" ? verdict : verdict.info;
  }
}

describe("an endpoint that authenticates", () => {
  test("answers the challenge and learns its path", () => {
    const relay = new Relay();
    const dialogue = new Dialogue();
    const first = dialogue.asked();
    expect(first.headers).toEqual({ "To-Path": uri, "From-Path": own });
    dialogue.answers(first, "401 Unauthorized", ...relay.challenges(1000));
    const second = dialogue.asked();
    const info = relay.judges(second, 1000);
    expect(info).toMatch(/^nextnonce=/);
    dialogue.answers(second, "200 OK", `Use-Path: ${path}`, "Expires: 900", `Authentication-Info: ${info}`);
    expect(dialogue.told).toEqual([path]);
    expect(dialogue.authentication.sdpPath).toBe(`${path} ${own}`);
    expect(dialogue.it.endpoint.deadline).toBe(1000 + 720_000);
  });

  test("signs nothing it was not asked for, and sends its wish for Expires along", () => {
    const { headers } = new Dialogue({ expiresSeconds: 120 }).asked();
    expect(headers).toEqual({ "To-Path": uri, "From-Path": own, Expires: "120" });
  });

  test.each<[string, DigestAlgorithm[], string | undefined]>([
    ["MD5, unnamed as in RFC 4976's examples", ["MD5"], undefined],
    ["the strongest of several", ["MD5", "SHA-256"], "SHA-256"],
  ])("answers with %s", (_, algorithms, named) => {
    const relay = new Relay("relay.example.com", algorithms);
    const dialogue = new Dialogue();
    dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000));
    const second = dialogue.asked();
    expect(/algorithm=([\w-]+)/.exec(second.headers["Authorization"] as string)?.[1]).toBe(named);
    expect(second.headers["Authorization"]).not.toContain("uri=");
    expect(relay.judges(second, 1000)).toMatch(/^nextnonce=/);
  });

  test("writes the uri for a relay that wants it", () => {
    const relay = new Relay();
    const dialogue = new Dialogue({ relays: [{ uri, username: "alice", credential: alice, withUri: true }] });
    dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000));
    expect(dialogue.asked().headers["Authorization"]).toContain(`uri="${uri}"`);
  });

  test("takes a 200 to its first AUTH, and one without Authentication-Info", () => {
    const dialogue = new Dialogue();
    dialogue.answers(dialogue.asked(), "200 OK", `Use-Path: ${path}`);
    expect([dialogue.told, dialogue.it.endpoint.deadline]).toEqual([[path], Number.POSITIVE_INFINITY]);
    const other = new Dialogue();
    other.answers(other.asked(), "401 Unauthorized", ...new Relay().challenges(1000));
    other.answers(other.asked(), "200 OK", `Use-Path: ${path}`, "Expires: 60");
    expect(other.told).toEqual([path]);
  });
});

describe("an authentication fails", () => {
  test("when the answer was wrong: one try, no more", () => {
    const relay = new Relay();
    const dialogue = new Dialogue();
    dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000));
    dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000));
    expect([dialogue.told, dialogue.it.sent()]).toEqual([["failed 401 by response"], ""]);
    expect(dialogue.authentication.state).toBe("failed");
  });

  test("when every nonce is stale, and then some", () => {
    const relay = new Relay();
    const dialogue = new Dialogue();
    let asked = 0;
    for (; dialogue.told.length === 0 && asked < 100; asked++) {
      dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000, true));
    }
    expect([dialogue.told, asked]).toEqual([["failed 401 by response"], 6]);
  });

  test.each<[string, string[]]>([
    ["there is nothing to answer", []],
    [
      "it cannot compute the only algorithm",
      ['WWW-Authenticate: Digest realm="x", qop="auth", nonce="y", algorithm=MD5-sess'],
    ],
    ["Basic is all there is (§9.1)", ['WWW-Authenticate: Basic realm="x"']],
  ])("when %s", (_, challenges) => {
    const dialogue = new Dialogue();
    dialogue.answers(dialogue.asked(), "401 Unauthorized", ...challenges);
    expect(dialogue.told).toEqual(["failed 401 by response"]);
  });

  test.each<[string, string, string[], string]>([
    ["the relay forbids it", "403 Forbidden", [], "failed 403 by response"],
    ["the relay is in trouble", "500 Server Error", [], "failed 500 by response"],
    ["the 423 names no bound", "423 Out", [], "failed 423 by response"],
    ["there is no Use-Path", "200 OK", ["Expires: 60"], "failed 0 by proof"],
    ["the Use-Path is none", "200 OK", ["Use-Path: sip:relay"], "failed 0 by proof"],
  ])("when %s", (_, status, headers, told) => {
    const dialogue = new Dialogue();
    dialogue.answers(dialogue.asked(), status, ...headers);
    expect(dialogue.told).toEqual([told]);
  });

  test("when the relay does not know the password either (§9.1)", () => {
    const relay = new Relay();
    const dialogue = new Dialogue();
    dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000));
    const second = dialogue.asked();
    const info = relay.judges(second, 1000).replace(/rspauth="./, 'rspauth="g');
    dialogue.answers(second, "200 OK", `Use-Path: ${path}`, `Authentication-Info: ${info}`);
    expect(dialogue.told).toEqual(["failed 0 by proof"]);
  });

  test("when nobody answers for 30 seconds", () => {
    const dialogue = new Dialogue();
    dialogue.it.advance(30_000);
    expect(dialogue.told).toEqual(["failed 408 by timeout"]);
  });

  test("when the connection ends", () => {
    const dialogue = new Dialogue();
    dialogue.it.feed.ended(1000);
    expect(dialogue.told).toEqual(["failed 0 by connection"]);
  });
});

test("a stale nonce is answered with the new one (RFC 2617 §3.2.1)", () => {
  const relay = new Relay();
  const dialogue = new Dialogue();
  dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000));
  dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000, true));
  expect(relay.judges(dialogue.asked(), 1000)).toMatch(/^nextnonce=/);
});

describe("Expires (§5.1, §6.3)", () => {
  test.each<[string, number | undefined, string, string]>([
    ["too short for the relay", 10, "Min-Expires: 60", "60"],
    ["too long for it", 86_400, "Max-Expires: 3600", "3600"],
    ["not wished for at all", undefined, "Min-Expires: 60", "60"],
  ])("%s is moved into its bounds, once", (_, expiresSeconds, bound, expected) => {
    const dialogue = new Dialogue(expiresSeconds === undefined ? {} : { expiresSeconds });
    dialogue.answers(dialogue.asked(), "423 Interval Out-of-Bounds", bound);
    const second = dialogue.asked();
    expect(second.headers["Expires"]).toBe(expected);
    dialogue.answers(second, "423 Interval Out-of-Bounds", bound);
    expect(dialogue.told).toEqual(["failed 423 by response"]);
  });

  test("corrected after the challenge uses the nonce a second time", () => {
    const relay = new Relay();
    const dialogue = new Dialogue({ expiresSeconds: 10 });
    dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000));
    dialogue.answers(dialogue.asked(), "423 Interval Out-of-Bounds", "Min-Expires: 60");
    const third = dialogue.asked();
    expect(third.headers["Authorization"]).toContain("nc=00000002");
    expect(third.headers["Expires"]).toBe("60");
  });

  test.each([
    ["0.8 of it", undefined, 100, 80_000],
    ["half of it", 0.5, 100, 50_000],
    ["never", 0, 100, Number.POSITIVE_INFINITY],
  ])("is refreshed after %s", (_, refreshAt, seconds, expected) => {
    const dialogue = new Dialogue(refreshAt === undefined ? {} : { refreshAt });
    dialogue.answers(dialogue.asked(), "200 OK", `Use-Path: ${path}`, `Expires: ${seconds}`);
    expect(dialogue.it.endpoint.deadline).toBe(1000 + expected);
    expect(dialogue.authentication.expiresAt).toBe(101_000);
  });

  test("is not refreshed when the application stops it", () => {
    const dialogue = new Dialogue();
    dialogue.answers(dialogue.asked(), "200 OK", `Use-Path: ${path}`, "Expires: 100");
    dialogue.authentication.stop();
    expect(dialogue.it.endpoint.deadline).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a refresh", () => {
  /** Authenticated for 100 s, now at the moment of the refresh. */
  function refreshing(relay: Relay): Dialogue {
    const dialogue = new Dialogue();
    dialogue.answers(dialogue.asked(), "401 Unauthorized", ...relay.challenges(1000));
    const second = dialogue.asked();
    const info = relay.judges(second, 1000);
    dialogue.answers(second, "200 OK", `Use-Path: ${path}`, "Expires: 100", `Authentication-Info: ${info}`);
    dialogue.it.advance(80_000);
    return dialogue;
  }

  test("uses nextnonce, so that there is no challenge, and brings a new path", () => {
    const relay = new Relay();
    const dialogue = refreshing(relay);
    const asked = dialogue.asked();
    const info = relay.judges(asked, dialogue.it.now);
    expect(info).toMatch(/^nextnonce=/);
    const next = "msrps://relay.example.com:9000/second;tcp";
    dialogue.answers(asked, "200 OK", `Use-Path: ${next}`, "Expires: 100", `Authentication-Info: ${info}`);
    expect(dialogue.told).toEqual([path, next]);
    expect(dialogue.it.endpoint.deadline).toBe(161_000);
  });

  test("takes a new challenge when the relay has forgotten the old one", () => {
    const dialogue = refreshing(new Relay());
    const restarted = new Relay();
    dialogue.answers(dialogue.asked(), "401 Unauthorized", ...restarted.challenges(1000));
    expect(restarted.judges(dialogue.asked(), 1000)).toMatch(/^nextnonce=/);
  });

  test("that fails leaves the path as long as it holds, and is told", () => {
    const dialogue = refreshing(new Relay());
    dialogue.answers(dialogue.asked(), "403 Forbidden");
    expect(dialogue.told).toEqual([path, "failed 403 by response"]);
    expect([dialogue.authentication.usePath, dialogue.authentication.expiresAt]).toEqual([path, 101_000]);
    expect(dialogue.it.endpoint.deadline).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a chain of relays (§5.1)", () => {
  const [intra, extra] = ["msrps://alice@intra.example.com;tcp", "msrps://extra.example.com;tcp"];
  const inner = "msrps://intra.example.com:9000/jui787s2f;tcp";
  const both = `${inner} msrps://extra.example.com:9000/mywdEe1233;tcp`;

  test("is authenticated with from the inside out, each AUTH through the path so far", () => {
    const relays = [new Relay("intra.example.com"), new Relay("extra.example.com")] as const;
    const dialogue = new Dialogue({
      relays: [intra, extra].map((uri) => ({ uri, username: "alice", credential: alice })),
    });
    const paths: (string | undefined)[] = [];
    for (const [i, usePath] of [inner, both].entries()) {
      const first = dialogue.asked();
      paths.push(first.headers["To-Path"]);
      dialogue.answers(first, "401 Unauthorized", ...(relays[i] as Relay).challenges(1000));
      const second = dialogue.asked();
      const info = (relays[i] as Relay).judges(second, 1000);
      dialogue.answers(
        second,
        "200 OK",
        `Use-Path: ${usePath}`,
        `Expires: ${[1800, 900][i]}`,
        `Authentication-Info: ${info}`,
      );
    }
    expect(paths).toEqual([intra, `${inner} ${extra}`]);
    expect(dialogue.told).toEqual([both]);
    expect(dialogue.authentication.sdpPath).toBe(`${both.split(" ").reverse().join(" ")} ${own}`);
    // The one that expires first counts.
    expect(dialogue.authentication.expiresAt).toBe(901_000);
  });
});

test("AUTHs are not pipelined (§9.1)", () => {
  const dialogue = new Dialogue();
  dialogue.it.endpoint.authenticate({ relays: [{ uri, username: "alice", credential: alice }] }, 1000);
  const first = dialogue.asked();
  expect(dialogue.it.sent()).toBe("");
  dialogue.answers(first, "200 OK", `Use-Path: ${path}`);
  expect(dialogue.asked().headers["From-Path"]).not.toBe(own);
});
