/**
 * Starts Kamailio with the configuration beside this file, on ports of its own, and ends it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyPair } from "../../adapters/shared/runtime.ts";
import { type Need, program, whereIs } from "../support/present.ts";
import { Program } from "../support/program.ts";
import { freePort } from "../support/wait.ts";

export const kamailioIsThere: Need = program("kamailio", "kamailio kamailio-tls-modules");

export interface KamailioOptions {
  /** For 127.0.0.1. */
  readonly pair: KeyPair;
  /** Whose certificates it believes when it dials with TLS. */
  readonly authority: string;
  readonly realm: string;
  /** Of every user. */
  readonly password: string;
}

export class Kamailio {
  readonly tcpPort: number;
  readonly tlsPort: number;
  readonly #folder: string;
  #program: Program;

  private constructor(folder: string, tcpPort: number, tlsPort: number) {
    this.#folder = folder;
    this.tcpPort = tcpPort;
    this.tlsPort = tlsPort;
    this.#program = run(folder);
  }

  static async start(options: KamailioOptions): Promise<Kamailio> {
    const folder = mkdtempSync(join(tmpdir(), "parley-kamailio-"));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const tcpPort = await freePort();
    const tlsPort = await freePort();
    const certificate = file("cert.pem", options.pair.cert);
    const key = file("key.pem", options.pair.key);
    const authority = file("ca.pem", options.authority);
    const tls = file(
      "tls.cfg",
      `[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
certificate = ${certificate}
private_key = ${key}
[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
ca_list = ${authority}
`,
    );
    const words: Record<string, string> = {
      "<tcp port>": String(tcpPort),
      "<tls port>": String(tlsPort),
      "<tls config>": tls,
      "<realm>": options.realm,
      "<password>": options.password,
      "<debug>": process.env.KAMAILIO_DEBUG ?? "1",
    };
    const template = readFileSync(new URL("kamailio.cfg", import.meta.url), "utf8");
    file(
      "kamailio.cfg",
      template.replace(/<[a-z ]+>/g, (word) => words[word] ?? word),
    );
    const kamailio = new Kamailio(folder, tcpPort, tlsPort);
    await kamailio.#answers();
    return kamailio;
  }

  /** Where its clients send AUTH. */
  uri(secure: boolean): string {
    return secure ? `msrps://127.0.0.1:${this.tlsPort};tcp` : `msrp://127.0.0.1:${this.tcpPort};tcp`;
  }

  port(secure: boolean): number {
    return secure ? this.tlsPort : this.tcpPort;
  }

  /** What it has said; mostly of use when a test has failed. */
  get output(): string {
    return this.#program.output;
  }

  async stop(): Promise<void> {
    await this.#program.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Holds it still: its connections stay open, and nobody answers. */
  freeze(): void {
    this.#program.freeze();
  }

  /** Ends it without a word, as a crash would. */
  async kill(): Promise<void> {
    await this.#program.kill();
  }

  /** Starts it again on the same ports, with no memory of its sessions. */
  async startAgain(): Promise<void> {
    this.#program = run(this.#folder);
    await this.#answers();
  }

  async #answers(): Promise<void> {
    await this.#program.answersOn(this.tcpPort);
    await this.#program.answersOn(this.tlsPort);
  }
}

/** -DD and -E: in the foreground, talking to its standard error. 64 MB for all of it, 8 for each process. */
function run(folder: string): Program {
  const args = ["-f", join(folder, "kamailio.cfg"), "-DD", "-E", "-m", "64", "-M", "8", "-Y", folder];
  return new Program(whereIs("kamailio") ?? "kamailio", args);
}
