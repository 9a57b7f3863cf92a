import { describe, expect, test } from "vitest";
import { Authenticator } from "../../../core/auth/authenticator.ts";
import type { Authentication, AuthenticationOptions } from "../../../core/endpoint/authentication.ts";
import type { Failure } from "../../../core/endpoint/failure.ts";
import type { Credential, DigestAlgorithm } from "../../../core/ports.ts";
import { dice, endpoint, Scripted } from "./pair.ts";

const uri = "msrps://relay.example.com;tcp";
const own = "msrps://alice.invalid:9/alice;tcp";
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
    const path = "msrps://relay.example.com:9000/jui787s2f;tcp";
    dialogue.answers(second, "200 OK", `Use-Path: ${path}`, "Expires: 900", `Authentication-Info: ${info}`);
    expect(dialogue.told).toEqual([path]);
    expect(dialogue.authentication.sdpPath).toBe(`${path} ${own}`);
    expect(dialogue.it.endpoint.deadline).toBe(1000 + 720_000);
  });
});
