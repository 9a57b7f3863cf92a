/** The admin app over a FakeControl, asked without a socket. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { SqliteAccounts } from "../../adapters/accounts/sqlite.ts";
import { AccountsDesk } from "../../adapters/admin/accounts-desk.ts";
import { type AdminOptions, makeAdminApp } from "../../adapters/admin/app.ts";
import { FakeControl } from "./fake-control.ts";

export const OPERATE = "operate-0123456789abcdef";
export const READ = "read-0123456789abcdef";

const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0).reverse()) end();
});

export interface Asked {
  readonly token?: string | undefined;
  readonly method?: string;
  readonly body?: string | object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the request comes from. */
  readonly address?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // What a test looks for in an answer is for the test to say.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

export class AdminBench {
  readonly control = new FakeControl();
  readonly folder = mkdtempSync(join(tmpdir(), "parley-admin-"));
  readonly lines: string[] = [];
  readonly desk: AccountsDesk;
  readonly app: ReturnType<typeof makeAdminApp>;
  /** Unix milliseconds, for the app. */
  now = 1_000_000;
  stopping = false;
  env: Record<string, string> = {};

  constructor(over: Partial<AdminOptions> = {}) {
    endings.push(() => rmSync(this.folder, { recursive: true, force: true }));
    const path = join(this.folder, "users.db");
    new SqliteAccounts(path).close();
    this.desk = new AccountsDesk({
      accounts: new Map([
        ["main", { type: "sqlite", path }],
        ["few", { type: "static", users: new Map() }],
      ]),
      accountsOf: new Map([
        ["example.com", "main"],
        ["example.org", "main"],
        ["few.example", "few"],
      ]),
    });
    endings.push(() => this.desk.close());
    this.app = makeAdminApp({
      control: this.control,
      accounts: this.desk,
      configuration: { folder: this.folder, env: this.env },
      tokens: [
        { name: "admin", token: OPERATE, scopes: ["operate"] },
        { name: "prometheus", token: READ, scopes: ["read"] },
      ],
      names: new Set(["admin.example.com"]),
      openMetrics: false,
      version: "0.1.0",
      stopping: () => this.stopping,
      log: (level, event, text) => void this.lines.push(`${level} ${event} ${text}`),
      now: () => this.now,
      ...over,
    });
  }

  /** Asks with the token that may do everything, unless told otherwise. */
  async ask(path: string, asked: Asked = {}): Promise<Answered> {
    const response = await this.open(path, asked);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }

  async open(path: string, asked: Asked = {}): Promise<Response> {
    const { method = "GET", body, headers = {}, address = "127.0.0.1" } = asked;
    const token = "token" in asked ? asked.token : OPERATE;
    const json = typeof body === "object";
    return this.app.request(
      path,
      {
        method,
        headers: {
          host: "127.0.0.1:8080",
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(json && { "content-type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && { body: json ? JSON.stringify(body) : (body as string) }),
      },
      { incoming: { socket: { remoteAddress: address } } },
    );
  }
}
