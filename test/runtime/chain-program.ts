/**
 * The program itself as a relay of a chain: a configuration file, a process, and any of the three runtimes.
 *
 * All relays are on this machine and so all of the name `localhost`, told apart by their ports.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { KeyPair } from "../../adapters/shared/runtime.ts";
import { Program } from "../support/program.ts";
import { freePort } from "../support/wait.ts";

export type RuntimeName = "node" | "bun" | "deno";

const commands: Readonly<Record<RuntimeName, readonly string[]>> = {
  node: ["node"],
  bun: ["bun"],
  deno: ["deno", "run", "-A"],
};

/** Of everybody who has a name. */
export const PASSWORD = "through the looking glass";

export interface ChainProgramOptions {
  readonly runtime: RuntimeName;
  /** For `localhost`: shown to those who connect, and to relays we connect to. */
  readonly pair: KeyPair;
  readonly authority: string;
  /** `relays.names`. */
  readonly relays?: readonly string[];
}

export class ChainProgram {
  readonly port: number;
  /** Where AUTH goes. */
  readonly uri: string;
  readonly #runtime: RuntimeName;
  readonly #folder: string;
  #program: Program;

  private constructor(runtime: RuntimeName, folder: string, port: number) {
    this.#runtime = runtime;
    this.#folder = folder;
    this.port = port;
    this.uri = `msrps://localhost:${port};tcp`;
    this.#program = this.#run();
  }

  static async start({ runtime, pair, authority, relays = ["localhost"] }: ChainProgramOptions): Promise<ChainProgram> {
    const folder = mkdtempSync(join(tmpdir(), "parley-chain-"));
    const port = await freePort();
    writeFileSync(join(folder, "relay.crt"), pair.cert);
    writeFileSync(join(folder, "relay.key"), pair.key);
    writeFileSync(join(folder, "partners.crt"), authority);
    writeFileSync(join(folder, "parley.yaml"), configuration(port, relays));
    const relay = new ChainProgram(runtime, folder, port);
    await relay.#program.answersOn(port);
    return relay;
  }

  /** Its log. */
  get output(): string {
    return this.#program.output;
  }

  /** Ends it without a word, as a crash would. */
  kill(): Promise<void> {
    return this.#program.kill();
  }

  /** Starts it again on its port, with no memory of its sessions. */
  async startAgain(): Promise<void> {
    this.#program = this.#run();
    await this.#program.answersOn(this.port);
  }

  async stop(): Promise<void> {
    await this.#program.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(): Program {
    const [command = "", ...args] = commands[this.#runtime];
    const main = fileURLToPath(new URL(`../../adapters/${this.#runtime}/main.ts`, import.meta.url));
    const bin = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));
    const path = { PATH: `${bin}:${process.env.PATH ?? ""}` };
    return new Program(command, [...args, main, "serve", "--config", join(this.#folder, "parley.yaml")], path);
  }
}

/** The whole of what a relay needs to be one of a chain. */
function configuration(port: number, relays: readonly string[]): string {
  return `
hostname: localhost
listeners:
  - { name: public, url: "msrps://127.0.0.1:${port}", tls: { cert: relay.crt, key: relay.key } }
domains:
  - { name: localhost, accounts: people }
accounts:
  people:
    type: static
    users: { alice: { password: "${PASSWORD}" }, bob: { password: "${PASSWORD}" } }
# Who we are to other relays, and whose certificates we believe: of those we connect to, and of those who connect to us.
outgoing:
  allow: [loopback]
  tls: { ca: [partners.crt], system: false, cert: relay.crt, key: relay.key }
relays: { names: [${relays.join(", ")}] }
log: { level: debug, format: json }
`;
}
