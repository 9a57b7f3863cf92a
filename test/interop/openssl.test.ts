/**
 * OpenSSL's s_client as a raw TLS client: somebody else's TLS, and every octet typed by hand.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { node } from "../../adapters/node/runtime.ts";
import { answerChallenge } from "../../core/auth/answer.ts";
import { chooseChallenge } from "../../core/auth/challenge.ts";
import { testAuthority } from "../support/certificates.ts";
import { describeWith, program } from "../support/present.ts";
import { type ServedRelay, serveRelay } from "../support/serve-relay.ts";
import { until } from "../support/wait.ts";

const OWN = "msrps://alice.example.com:9892/98cjs;tcp";

describeWith([program("openssl", "openssl")], "openssl s_client", () => {
  let relay: ServedRelay;
  let folder: string;
  let ca: string;
  const clients: SClient[] = [];

  beforeAll(async () => {
    const authority = await testAuthority();
    relay = await serveRelay({
      runtime: node,
      host: "relay.example.com",
      pair: await authority.issue("relay.example.com"),
      accounts: { alice: "in wonderland" },
    });
    folder = mkdtempSync(join(tmpdir(), "parley-openssl-"));
    ca = join(folder, "ca.pem");
    writeFileSync(ca, authority.cert);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.kill();
  });
  afterAll(async () => {
    await relay.end();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Checks the certificate against our authority and that it is for the relay's name. */
  const connect = (...options: string[]) => {
    const checks = ["-CAfile", ca, "-verify_return_error", "-verify_hostname", "relay.example.com"];
    const client = new SClient(["-connect", `127.0.0.1:${relay.tlsPort}`, ...checks, ...options]);
    clients.push(client);
    return client;
  };
  const quietly = ["-quiet", "-no_ign_eof"];
  const auth = (id: string, ...lines: string[]) =>
    [
      `MSRP ${id} AUTH`,
      "To-Path: msrps://alice@example.com;tcp",
      `From-Path: ${OWN}`,
      ...lines,
      `-------${id}$`,
      "",
    ].join("\r\n");

  describe.each([
    ["with SNI", ["-servername", "relay.example.com"]],
    ["without SNI", ["-noservername"]],
    ["with SNI of the SIP domain, as after an SRV lookup", ["-servername", "example.com"]],
    ["with TLS 1.2", ["-tls1_2"]],
  ])("%s", (_, options) => {
    it("is challenged and then let in, octet for octet as RFC 4976 §5.1 shows it", async () => {
      const client = connect(...quietly, ...options);
      client.write(auth("49fh"));
      await until(() => client.said.endsWith("-------49fh$\r\n"), "the challenge");
      const challenged = client.said.split("\r\n");
      expect(challenged.slice(0, 3)).toEqual([
        "MSRP 49fh 401 Unauthorized",
        `To-Path: ${OWN}`,
        "From-Path: msrps://alice@example.com;tcp",
      ]);
      const nonce = "[\\w.+/=-]+";
      const parameters = `realm="example.com", qop="auth", nonce="${nonce}", opaque="${nonce}"`;
      for (const line of challenged.slice(3, -2)) {
        expect(line).toMatch(new RegExp(`^WWW-Authenticate: Digest ${parameters}, algorithm=(MD5|SHA-256)$`));
      }
      expect(challenged.slice(-2)).toEqual(["-------49fh$", ""]);

      const values = challenged.slice(3, -2).map((line) => line.replace("WWW-Authenticate: ", ""));
      const credential = { password: "in wonderland" };
      const challenge = chooseChallenge(values, credential);
      if (challenge === undefined) throw new Error("no challenge that we can answer");
      const uri = "msrps://alice@example.com;tcp";
      const input = { challenge, username: "alice", credential, uri, cnonce: "0a4f113b", nonceCount: 1 };
      const answer = answerChallenge(input);
      client.said = "";
      client.write(auth("49fi", `Authorization: ${answer?.authorization}`, "Expires: 900"));
      await until(() => client.said.endsWith("-------49fi$\r\n"), "the 200");
      expect(client.said.split("\r\n")).toEqual([
        "MSRP 49fi 200 OK",
        `To-Path: ${OWN}`,
        "From-Path: msrps://alice@example.com;tcp",
        expect.stringMatching(
          new RegExp(`^Use-Path: msrps://relay\\.example\\.com:${relay.tlsPort}/[a-z2-7]{26};tcp$`),
        ),
        "Expires: 900",
        expect.stringMatching(new RegExp(`^Authentication-Info: nextnonce="${nonce}", rspauth="${answer?.rspauth}"`)),
        "-------49fi$",
        "",
      ]);
      expect(client.ended).toBe(false);
    });
  });

  it("agrees on TLS 1.3 and on a certificate for our name", async () => {
    const client = connect("-servername", "relay.example.com");
    await until(() => client.said.includes("Verify return code"), "the handshake");
    expect(client.said).toContain("Verify return code: 0 (ok)");
    expect(client.said).toContain("Verified peername: relay.example.com");
    expect(client.said).toContain("TLSv1.3");
  });

  // RFC 8996. Both ends would have to be willing: s_client is, at security level 0.
  it.each(["-tls1", "-tls1_1"])("is refused with %s", async (version) => {
    const client = connect(version, "-cipher", "ALL:@SECLEVEL=0");
    await until(() => client.ended, "the refusal");
    expect(client.complained).toMatch(/alert protocol version/);
    expect(client.said).toContain("Cipher is (NONE)");
  });

  it.each([
    ["HTTP", "GET / HTTP/1.1\r\nHost: relay.example.com\r\n\r\n"],
    ["octets of no protocol", "\u0000\u0001\u0002\u0003\u00ff\u00fe"],
    ["MSRP that goes wrong in its start line", "MSRP 49fh SE!ND\r\n"],
  ])("is hung up on when it sends %s", async (_, garbage) => {
    const client = connect(...quietly);
    client.write(garbage);
    await until(() => client.ended, "the end of the connection");
    expect(client.said).toBe("");
  });

  it("is hung up on when it asks for a domain that is not ours", async () => {
    const client = connect(...quietly);
    client.write(auth("49fj").replace("alice@example.com", "alice@example.net"));
    await until(() => client.ended, "the end of the connection");
    expect(client.said).toBe("");
  });
});

/** It ends by itself when its standard input does, so nothing is left behind by a test that dies. */
class SClient {
  /** What came over TLS, and before it, unless quiet, what OpenSSL says of the handshake; one octet per character. */
  said = "";
  complained = "";
  ended = false;
  readonly #child: ChildProcess;

  constructor(options: readonly string[]) {
    this.#child = spawn("openssl", ["s_client", ...options], { stdio: "pipe" });
    this.#child.stdout?.setEncoding("latin1").on("data", (text: string) => {
      this.said += text;
    });
    this.#child.stderr?.setEncoding("latin1").on("data", (text: string) => {
      this.complained += text;
    });
    this.#child.stdin?.on("error", () => {});
    this.#child.on("close", () => {
      this.ended = true;
    });
  }

  write(octets: string): void {
    this.#child.stdin?.write(octets, "latin1");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
