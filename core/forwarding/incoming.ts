/**
 * The frames that come in on one connection, one after the other: validated, routed, and passed on (RFC 4976 §6.2–6.4).
 *
 * This is where a SEND is forwarded. Its head decides everything that can be known then: an error is answered at once
 * and the rest of the frame is read past; otherwise body octets go to the next hop as they come (stream.ts), or the
 * frame as a whole when its end is already in sight (whole.ts). The 200 is sent when the end-line has been read.
 */
import { copyOctets, DOLLAR, spells } from "../bytes/octets.ts";
import { Scratch } from "../bytes/scratch.ts";
import { type ByteRange, readByteRange } from "../codec/byte-range.ts";
import { AUTH, type Head, OTHER_METHOD, REPORT, RESPONSE, SEND } from "../codec/head.ts";
import {
  AUTHORIZATION,
  BYTE_RANGE,
  CONTENT_TYPE,
  FAILURE_REPORT,
  FROM_PATH,
  MESSAGE_ID,
  SUCCESS_REPORT,
  TO_PATH,
} from "../codec/header.ts";
import type { FrameSink } from "../codec/reader.ts";
import { consequence, type Fault } from "../faults.ts";
import type { Connection } from "../session/connection.ts";
import type { Lease } from "../session/lease.ts";
import { judgeMessage } from "../session/policy.ts";
import {
  type FailureReport,
  idText,
  type Origin,
  REPORT_NO,
  REPORT_PARTIAL,
  REPORT_YES,
  TRANSACT_ID_LENGTH,
  type Transaction,
} from "../session/transaction.ts";
import { answerPaths, writeAnswer } from "./answer.ts";
import type { BackPressure } from "./back-pressure.ts";
import { copyHeaders, endFrame } from "./chunk.ts";
import { add, count } from "./counters.ts";
import type { NextHops } from "./next-hops.ts";
import { type KnownSend, type Route, Routes } from "./route.ts";
import type { State } from "./state.ts";
import { Stream } from "./stream.ts";
import { isFile } from "../session/traffic.ts";
import { countReport } from "./traffic.ts";
import { type Body, forwardWhole } from "./whole.ts";

/** RFC 4975 §7.1: bodies of other requests than SEND are no larger. */
const MAX_OTHER_BODY = 10_240;
/** Longer Message-IDs are refused. The grammar allows 32 characters; clients that use UUIDs send 36. */
const MAX_MESSAGE_ID = 256;
/** Requests refused before one succeeded, after which the connection is closed (RFC 4976 §6.1). */
const MAX_REFUSALS = 10;

/** What Incoming asks of the relay around it. */
export interface Surroundings {
  readonly state: State;
  readonly nextHops: NextHops;
  readonly backPressure: BackPressure;
  /** An AUTH addressed to this relay and nobody behind it. */
  auth(source: Connection, head: Head): void;
  /** An AUTH that came no further: it cannot be read, or not be passed on to another relay. */
  authRefused(source: Connection, fault: Fault): void;
  response(source: Connection, head: Head): void;
  close(connection: Connection, fault: Fault, detail: string): void;
}

const nothing = new Uint8Array(0);
const noBody = new Scratch(0);
/** Of the frame that is WHOLE: it comes and goes in one turn, so one is enough for all connections. */
const whole: Body = { octets: nothing, start: 0, end: 0, dashless: true };

const DISCARD = 0; // read past the rest of this frame
const WHOLE = 1; // a SEND whose end is in sight
const STREAM = 2; // a SEND that comes in pieces
const COLLECT = 3; // another request: its body is short and kept until its end

export class Incoming implements FrameSink {
  readonly #source: Connection;
  readonly #around: Surroundings;
  readonly #routes: Routes;
  #mode: number;
  #head: Head | undefined; // of a WHOLE frame: valid until its end
  #kind: number;
  readonly #id: Uint8Array; // transact-id of the request, #id[0, #idLength)
  #idLength: number;
  #route: Route | undefined;
  #out: Connection | undefined;
  #range: ByteRange | undefined;
  #failureReport: FailureReport;
  #paths: Uint8Array | undefined; // of the response
  #answered: boolean;
  #known: KnownSend | undefined; // of a SEND
  #most: number; // octets that the body may have
  #ifBody: Fault | undefined; // what is wrong with the head if a body follows, when that is not known yet
  #stream: Stream | undefined;
  #origin: Origin | undefined;
  #rest: Scratch | undefined; // of a COLLECT frame: start line word and headers
  #collected: Scratch | undefined; // and its body
  #method: string;
  #hasBody: boolean;
  #proves: boolean;
  #traced: string | undefined; // the head, if somebody follows its session and its end was not in sight
  #tracedBytes: number;

  constructor(source: Connection, around: Surroundings) {
    this.#source = source;
    this.#around = around;
    this.#routes = new Routes(source, around.state, around.nextHops);
    this.#mode = DISCARD;
    this.#head = undefined;
    this.#kind = RESPONSE;
    this.#id = new Uint8Array(32);
    this.#idLength = 0;
    this.#route = undefined;
    this.#out = undefined;
    this.#range = undefined;
    this.#failureReport = REPORT_YES;
    this.#paths = undefined;
    this.#answered = false;
    this.#known = undefined;
    this.#most = Number.MAX_SAFE_INTEGER;
    this.#ifBody = undefined;
    this.#stream = undefined;
    this.#origin = undefined;
    this.#rest = undefined;
    this.#collected = undefined;
    this.#method = "";
    this.#hasBody = false;
    this.#proves = false;
    this.#traced = undefined;
    this.#tracedBytes = 0;
  }

  /** The configuration has changed. */
  reconfigured(): void {
    this.#routes.reconfigured();
  }

  /** Does this connection bring requests for more than one other? */
  get isShared(): boolean {
    return this.#routes.isShared;
  }

  head(head: Head): void {
    const { state } = this.#around;
    this.#traced = state.traces.on ? state.traces.read(this.#source, head) : undefined;
    this.#tracedBytes = 0;
    this.#mode = DISCARD;
    this.#kind = head.kind;
    if (head.kind === RESPONSE) {
      count(state.counters.responsesIn, head.status);
      this.#around.response(this.#source, head);
      return;
    }
    count(state.counters.requestsIn, head.kind);
    const idStart = head.base + head.transactIdStart;
    this.#idLength = head.transactIdEnd - head.transactIdStart;
    for (let i = 0; i < this.#idLength; i++) this.#id[i] = head.octets[idStart + i] as number;
    this.#answered = false;
    this.#paths = undefined;
    this.#ifBody = undefined;
    this.#failureReport = REPORT_YES;
    const fault = this.#accept(head);
    if (fault !== undefined) this.#refuse(fault, head);
  }

  body(source: Uint8Array, start: number, end: number, dashless: boolean): void {
    this.#tracedBytes += end - start;
    if (this.#ifBody !== undefined) {
      if (this.#mode !== DISCARD) this.#refuse(this.#ifBody, undefined);
      return;
    }
    switch (this.#mode) {
      case WHOLE:
        whole.octets = source;
        whole.start = start;
        whole.end = end;
        whole.dashless = dashless;
        break;
      case STREAM:
        if (this.#tracedBytes > this.#most) this.#refuse("MESSAGE_TOO_LARGE", undefined);
        else this.#stream?.push(source, start, end, dashless);
        break;
      case COLLECT:
        this.#collected ??= new Scratch(end - start);
        if (this.#collected.length + end - start > MAX_OTHER_BODY) this.#refuse("BODY_TOO_LONG", undefined);
        else this.#collected.copy(source, start, end);
        break;
    }
  }

  end(flag: number, octets: number): void {
    const mode = this.#mode;
    this.#mode = DISCARD;
    add(this.#around.state.counters.frameBytesIn, this.#kind, octets);
    if (this.#traced !== undefined) {
      this.#around.state.traces.end("in", this.#source, this.#traced, this.#tracedBytes, flag);
      this.#traced = undefined;
    }
    if (mode === DISCARD) return;
    const { state, backPressure } = this.#around;
    const route = this.#route as Route;
    const source = this.#source;
    if (mode === COLLECT) {
      const out = this.#out as Connection;
      if (flag !== DOLLAR) this.#refuse("NOT_INTERRUPTIBLE", undefined);
      else if (out.closed) this.#refuse("NEXT_HOP_LOST", undefined);
      else this.#forwardCollected(route, out);
      return;
    }
    if (mode === STREAM) {
      (this.#origin as Origin).open = undefined;
      (this.#stream as Stream).finish(flag);
      this.#stream = this.#origin = undefined;
    } else if (this.#out !== undefined) {
      const known = this.#known as KnownSend;
      forwardWhole(state, source, known, this.#out, this.#head as Head, whole, flag, this.#range);
      backPressure.wrote(source, this.#out, this.#failureReport === REPORT_YES);
      this.#head = undefined;
      whole.octets = nothing; // the read is not kept alive
    }
    this.#around.state.endProbation(this.#source);
    // §6.4.1: received, which is not to say delivered. Only for "yes" does the previous hop wait for it.
    if (this.#failureReport === REPORT_YES) this.#accepted(route);
  }

  lost(fault: Fault): void {
    this.#around.close(this.#source, fault, "");
  }

  /** The connection has gone, perhaps in the middle of a frame. */
  cutOff(): void {
    if (this.#mode === STREAM) {
      (this.#origin as Origin).open = undefined;
      this.#stream?.cutOff();
    }
    this.#mode = DISCARD;
  }

  /** A session has ended: the chunk that comes in for it goes no further, and its sender may go on in another one. */
  endOf(lease: Lease): void {
    if (this.#mode !== STREAM || !(this.#route as Route).leases.includes(lease)) return;
    this.#stream?.cutOff();
    this.fail(481);
  }

  /** The next hop refuses or is lost while the chunk still comes in: answer now, read past the rest. */
  fail(status: number): void {
    if (this.#mode !== STREAM) return;
    const origin = this.#origin as Origin;
    origin.open = undefined;
    this.#stream?.abort();
    this.#mode = DISCARD;
    if (this.#failureReport === REPORT_NO) return;
    origin.refused = true;
    this.#answer(status, (this.#route as Route).answerPaths);
  }

  // ---- validation, in the order in which it can fail ----

  #accept(head: Head): Fault | undefined {
    const { kind } = head;
    if (kind === SEND) {
      const known = head.memo as KnownSend | undefined;
      if (known !== undefined && this.#routes.reuse(known.route)) return this.#acceptSend(head, known);
      const found = this.#knowSend(head);
      if (typeof found === "string") return found;
      head.memo = found;
      return this.#acceptSend(head, found);
    }
    if (head.flaw !== undefined) return head.flaw;
    return this.#acceptOther(head);
  }

  /** Looks at everything in the head of a SEND but the values that are another in each. */
  #knowSend(head: Head): KnownSend | Fault {
    const failureReport = readFailureReport(head);
    if (failureReport !== undefined) this.#failureReport = failureReport;
    if (head.flaw !== undefined) return head.flaw;
    if (failureReport === undefined) return "REPORT_FIELD";
    const route = this.#routes.find(head);
    if (typeof route === "string") return route;
    if (!head.has(MESSAGE_ID)) return "MESSAGE_ID";
    if (head.has(SUCCESS_REPORT) && !isYesOrNo(head)) return "REPORT_FIELD";
    return { route, failureReport, hasType: head.has(CONTENT_TYPE), isFile: isFile(head) };
  }

  /** Looks at the values that are another in each, and then for the next hop. */
  #acceptSend(head: Head, known: KnownSend): Fault | undefined {
    const { state, nextHops } = this.#around;
    const { octets } = head;
    const { route } = known;
    this.#known = known;
    this.#failureReport = known.failureReport;
    const idLength = head.endOf(MESSAGE_ID) - head.startOf(MESSAGE_ID);
    if (idLength === 0 || idLength > MAX_MESSAGE_ID) return "MESSAGE_ID";
    let ifBody: Fault | undefined = known.hasType ? undefined : "CONTENT_TYPE";
    this.#range = undefined;
    if (head.has(BYTE_RANGE)) {
      const range = readByteRange(octets, head.startOf(BYTE_RANGE), head.endOf(BYTE_RANGE));
      if (range === undefined) return "BYTE_RANGE";
      // Positions count from 1; clients write 0 for an empty body, and there it does no harm.
      if (range.start === 0) ifBody ??= "BYTE_RANGE";
      this.#range = range;
    }
    if (this.#wrongWithBody(ifBody, head)) return ifBody;
    this.#most = Number.MAX_SAFE_INTEGER;
    if (!route.terms.free) {
      const denied = this.#judge(known, head);
      if (denied !== undefined) return denied;
    }
    this.#route = route;
    this.#paths = route.answerPaths;
    if (route.direction === "here") {
      // Addressed to us alone: a keepalive. Answered, not forwarded.
      this.#out = undefined;
      this.#mode = WHOLE;
      return undefined;
    }
    const out = nextHops.connectionFor(route);
    if (typeof out === "string") return out;
    if (this.#around.backPressure.refuses(this.#source, out)) return "NEXT_HOP_FULL";
    this.#out = out;
    this.#routes.goesTo(out);
    out.usedAt = state.now;
    const chunkBytes = route.chunkBytes;
    if (head.bodyInSight >= 0 && (chunkBytes === 0 || head.bodyInSight <= chunkBytes)) {
      this.#mode = WHOLE;
      this.#head = head;
      whole.start = whole.end = 0;
      whole.dashless = true;
      return undefined;
    }
    const origin: Origin = {
      source: this.#source,
      fromPath: route.fromPath,
      ownUri: route.ownUri,
      ownUriOut: route.lastOwnUri,
      messageId: copyOctets(octets, head.startOf(MESSAGE_ID), head.endOf(MESSAGE_ID)),
      failureReport: this.#failureReport,
      givers: route.givers,
      open: this,
      refused: false,
    };
    this.#origin = origin;
    this.#stream = new Stream(state, this.#around.backPressure, known, out, origin, head, this.#range);
    this.#mode = STREAM;
    // §6.1: its end may be further away than probation lasts, and all that can be wrong with it has been looked at.
    if (this.#ifBody === undefined) this.#around.state.endProbation(this.#source);
    return undefined;
  }

  /** What rules and limits say of the message that this chunk is of: how much of it may come, or what is wrong with it. */
  #judge({ route: { terms }, isFile }: KnownSend, head: Head): Fault | undefined {
    if (terms.denied) return "POLICY_PEER";
    const { messageBytes, fileBytes } = this.#around.state.config.limits;
    const inSight = Math.max(0, head.bodyInSight);
    const before = Math.max(0, (this.#range?.start ?? 1) - 1);
    const total = this.#range?.total ?? -1;
    const judged = judgeMessage(terms, mediaType(head), total);
    if (typeof judged === "string") return judged;
    let most = judged;
    if (messageBytes > 0) most = Math.min(most, messageBytes);
    if (fileBytes > 0 && most > fileBytes && isFile) most = fileBytes;
    if (total > most || before + inSight > most) return "MESSAGE_TOO_LARGE";
    this.#most = most - before;
    return undefined;
  }

  /** Is there a body that may not be? Until its first octet has come, a blank line may yet be all there is. */
  #wrongWithBody(fault: Fault | undefined, head: Head): boolean {
    if (fault === undefined || !head.hasBody) return false;
    if (head.bodyInSight < 0) this.#ifBody = fault;
    return head.bodyInSight > 0;
  }

  #acceptOther(head: Head): Fault | undefined {
    const { state, nextHops } = this.#around;
    if (head.kind === AUTH && !hasSeveralUris(head)) {
      this.#around.auth(this.#source, head);
      return undefined;
    }
    if (head.kind === OTHER_METHOD && state.config.forwarding.unknownMethods === "refuse") return "METHOD_REFUSED";
    const route = this.#routes.find(head);
    if (typeof route === "string") return route;
    if (route.terms.denied && head.kind !== REPORT) return "POLICY_PEER";
    // Nobody behind us to understand it.
    if (route.direction === "here") return head.kind === REPORT ? undefined : "METHOD_REFUSED";
    if (!head.has(CONTENT_TYPE) && this.#wrongWithBody("CONTENT_TYPE", head)) return "CONTENT_TYPE";
    const out = nextHops.connectionFor(route);
    if (typeof out === "string") return out;
    this.#route = route;
    this.#out = out;
    this.#routes.goesTo(out);
    out.usedAt = state.now;
    this.#method = head.method();
    this.#hasBody = head.hasBody;
    this.#proves = head.kind === AUTH && head.has(AUTHORIZATION);
    this.#rest = new Scratch(256);
    copyHeaders(this.#rest, head, 0, head.headerCount, undefined);
    this.#collected = undefined;
    this.#paths = head.kind === REPORT ? undefined : answerPaths(state, head);
    this.#mode = COLLECT;
    return undefined;
  }

  /** §6.4.2: any other request goes on as a whole. */
  #forwardCollected(route: Route, out: Connection): void {
    const { state, backPressure } = this.#around;
    const source = this.#source;
    let id: string;
    let transaction: Transaction | undefined;
    if (this.#kind === REPORT) {
      id = state.random.text(TRANSACT_ID_LENGTH);
    } else {
      transaction = out.transactions.begin();
      const transactId = String.fromCharCode(...this.#id.subarray(0, this.#idLength));
      const { fromPath, ownUri, lastOwnUri, ownPath } = route;
      transaction.asked = { source, transactId, proves: this.#proves, fromPath, ownUri, lastOwnUri, ownPath };
      id = idText(transaction);
    }
    const frame = state.scratch.reset();
    const rest = this.#rest as Scratch;
    this.#rest = undefined;
    frame.text("MSRP ").text(id).text(" ").text(this.#method).text("\r\n");
    frame.copy(route.paths).copy(rest.octets, 0, rest.length);
    const body = this.#collected ?? noBody;
    count(state.counters.requestsOut, this.#kind);
    if (this.#kind === REPORT) countReport(route);
    if (state.traces.on) state.traces.wrote(out, frame, body.length, DOLLAR);
    if (this.#hasBody) frame.text("\r\n").copy(body.octets, 0, body.length);
    endFrame(frame, new Scratch(32).text(id).take(), DOLLAR, this.#hasBody);
    add(state.counters.frameBytesOut, this.#kind, frame.length);
    out.writeFrame(frame);
    if (transaction !== undefined) out.transactions.sent(transaction, state.now);
    backPressure.wrote(source, out);
    this.#around.state.endProbation(this.#source);
  }

  // ---- answers ----

  /** @param head  while it is at hand: the response is made from it */
  #refuse(fault: Fault, head: Head | undefined): void {
    const { state } = this.#around;
    const source = this.#source;
    if (this.#mode === STREAM) {
      const origin = this.#origin as Origin;
      origin.open = undefined;
      origin.refused = this.#failureReport !== REPORT_NO;
      this.#stream?.abort();
    }
    this.#mode = DISCARD;
    if (this.#kind === AUTH) this.#around.authRefused(source, fault);
    const { then, status, named } = consequence(fault);
    if (then === "close") {
      this.#around.close(source, fault, "");
      return;
    }
    state.noteFault(source, fault, "");
    if (then === "answer" && this.#kind !== REPORT && !(this.#kind === SEND && this.#failureReport === REPORT_NO)) {
      const paths = this.#paths ?? (head === undefined ? undefined : answerPaths(state, head));
      if (paths !== undefined) this.#answer(status as number, paths, named === true ? fault : "");
    }
    // §6.1: several unsuccessful requests, and none that succeeded.
    if (!source.proven && ++source.refusals >= MAX_REFUSALS) this.#around.close(source, "PROBATION", "");
  }

  /** 200: the chunk was taken. */
  #accepted(route: Route): void {
    const { state, backPressure } = this.#around;
    if (this.#answered || state.traces.on) {
      this.#answer(200, route.answerPaths);
      return;
    }
    this.#answered = true;
    const source = this.#source;
    const frame = route.okay.frame(this.#id, this.#idLength);
    count(state.counters.responsesOut, 200);
    add(state.counters.frameBytesOut, RESPONSE, frame.length);
    source.openChunk?.interrupt();
    source.write(frame, 0, frame.length);
    backPressure.wrote(source, source);
  }

  #answer(status: number, paths: Uint8Array, code = ""): void {
    if (this.#answered) return;
    this.#answered = true;
    const { state, backPressure } = this.#around;
    const id = this.#idLength === 32 ? this.#id : this.#id.subarray(0, this.#idLength);
    writeAnswer(state, this.#source, id, status, paths, "", code);
    backPressure.wrote(this.#source, this.#source);
  }
}

/** Undefined when it says what no sender may say. */
function readFailureReport(head: Head): FailureReport | undefined {
  if (!head.has(FAILURE_REPORT)) return REPORT_YES;
  const { octets } = head;
  const start = head.startOf(FAILURE_REPORT);
  const end = head.endOf(FAILURE_REPORT);
  if (spells(octets, start, end, "yes")) return REPORT_YES;
  if (spells(octets, start, end, "no")) return REPORT_NO;
  return spells(octets, start, end, "partial") ? REPORT_PARTIAL : undefined;
}

/** Without parameters. */
function mediaType(head: Head): string {
  return /^[^;\s]*/.exec(head.value(CONTENT_TYPE) ?? "")?.[0] ?? "";
}

function isYesOrNo(head: Head): boolean {
  const { octets } = head;
  const start = head.startOf(SUCCESS_REPORT);
  const end = head.endOf(SUCCESS_REPORT);
  return spells(octets, start, end, "yes") || spells(octets, start, end, "no");
}

function hasSeveralUris(head: Head): boolean {
  return head.value(TO_PATH)?.includes(" ") === true && head.has(FROM_PATH);
}
