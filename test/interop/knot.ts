/**
 * Knot DNS on loopback, with a zone of its own, and what one would like to see of a name server: what it was asked, and
 * its silence about some of it.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Need, program, whereIs } from "../support/present.ts";
import { Program } from "../support/program.ts";
import { freePort } from "../support/wait.ts";

export const knotIsThere: Need = program("knotd", "knot");

export const ZONE = "relays.test";

const types: Readonly<Record<number, string>> = { 1: "A", 28: "AAAA", 33: "SRV" };

export class Knot {
  /** `SRV _msrps._tcp.farm.relays.test` and the like, as they came. */
  readonly asked: string[];
  /** Types of questions that are not answered. */
  readonly silent: Set<string>;
  readonly #folder: string;
  readonly #program: Program;
  readonly #front: Socket;

  private constructor(folder: string, program: Program, front: Socket, port: number) {
    this.asked = [];
    this.silent = new Set();
    this.#folder = folder;
    this.#program = program;
    this.#front = front;
    front.on("message", (question, client) => this.#pass(question, client, port));
  }

  /** @param records  lines of the zone, names relative to it */
  static async start(records: string): Promise<Knot> {
    const folder = mkdtempSync(join(tmpdir(), "parley-knot-"));
    const port = await freePort();
    writeFileSync(
      join(folder, "zone"),
      `$ORIGIN ${ZONE}.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 300\n@ NS ns\nns A 127.0.0.1\n${records}\n`,
    );
    writeFileSync(
      join(folder, "knot.conf"),
      `server:
  listen: 127.0.0.1@${port}
  rundir: ${folder}
database:
  storage: ${folder}
log:
  - target: stderr
    any: warning
zone:
  - domain: ${ZONE}
    file: ${join(folder, "zone")}
    journal-content: none
`,
    );
    const knot = new Program(whereIs("knotd") ?? "knotd", ["-c", join(folder, "knot.conf")]);
    await knot.answersOn(port);
    const front = createSocket("udp4");
    front.bind(0, "127.0.0.1");
    await once(front, "listening");
    return new Knot(folder, knot, front, port);
  }

  /** For `SystemResolver`. */
  get server(): string {
    return `127.0.0.1:${this.#front.address().port}`;
  }

  async stop(): Promise<void> {
    this.#front.close();
    await this.#program.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #pass(question: Buffer, client: { readonly address: string; readonly port: number }, port: number): void {
    const { name, type } = readQuestion(question);
    this.asked.push(`${type} ${name}`);
    if (this.silent.has(type)) return;
    const back = createSocket("udp4");
    back.on("message", (answer) => {
      back.close();
      this.#front.send(answer, client.port, client.address);
    });
    back.send(question, port, "127.0.0.1");
  }
}

/** RFC 1035 §4.1: behind twelve octets of header the labels of the name, and its type. */
function readQuestion(message: Buffer): { name: string; type: string } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: types[message.readUInt16BE(at + 1)] ?? "?" };
}
