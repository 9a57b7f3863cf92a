/**
 * The answer to the request that is being read (RFC 4975 §7.2): at most one, if at all, and to whom.
 */
import { DOLLAR } from "../bytes/octets.ts";
import type { Scratch } from "../bytes/scratch.ts";
import { type Head, SEND } from "../codec/head.ts";
import { FROM_PATH, TO_PATH } from "../codec/header.ts";
import { comment, writeEndLine, writeHeader, writeStatusLine } from "../codec/writer.ts";
import type { FailureReport } from "./outgoing-message.ts";

export class Reply {
  readonly #control: Scratch;
  /** True while it may still be given. */
  open: boolean;
  /** Failure-Report of the request. */
  failureReport: FailureReport;
  /** From-Path of the response. */
  own: string;
  #transactId: string;
  #toPath: string;

  constructor(control: Scratch) {
    this.#control = control;
    this.open = false;
    this.failureReport = "yes";
    this.own = "";
    this.#transactId = "";
    this.#toPath = "";
  }

  /** Another request. Its own Failure-Report is for the caller to set. */
  begin(head: Head): void {
    const fromPath = head.value(FROM_PATH) ?? "";
    this.failureReport = "yes";
    this.own = head.value(TO_PATH)?.split(" ")[0] ?? "";
    this.#transactId = head.transactId();
    // The response to a SEND goes to the previous hop only, others go all the way.
    this.#toPath = head.kind === SEND ? (fromPath.split(" ")[0] as string) : fromPath;
    this.open = this.#toPath !== "" && this.own !== "";
  }

  /** Nothing that may be answered is being read. */
  close(): void {
    this.open = false;
  }

  /** Answers, as Failure-Report allows (§7.1.4). */
  give(status: number): void {
    if (!this.open) return;
    this.open = false;
    if (this.failureReport === "no" || (this.failureReport === "partial" && status === 200)) return;
    writeStatusLine(this.#control, this.#transactId, status, comment(status));
    writeHeader(this.#control, "To-Path", this.#toPath);
    writeHeader(this.#control, "From-Path", this.own);
    writeEndLine(this.#control, this.#transactId, DOLLAR, false);
  }
}
