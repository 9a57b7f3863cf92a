/**
 * The part of a dial that is the same on every runtime: resolve, check against the egress list, race the addresses,
 * and say in words for people why nothing came of it. The runtime adds one attempt at one address.
 */
import { isIP } from "node:net";
import type { DialFailure, Hop } from "../../core/mod.ts";
import { authority } from "./address.ts";
import type { Driver } from "./driver.ts";
import { classify } from "./egress.ts";
import { race } from "./race.ts";
import { resolveHop, systemResolver, type Target } from "./resolve.ts";
import type { DialOptions, DialOutcome } from "./runtime.ts";

/** Why a dial failed: the code core acts upon, and a message that says what to do next. */
export class DialError extends Error {
  override readonly name = "DialError";
  readonly code: DialFailure;

  constructor(code: DialFailure, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** One attempt at one address; see `reach`. */
export type Attempt<Socket> = (target: Target, signal: AbortSignal) => Promise<Socket>;

/** Which of our addresses a connection to this target of a hop leaves by: the first line that applies and is of its family. */
export function leavingBy(hop: Hop, target: Target, { from = [] }: DialOptions): string | undefined {
  const family = isIP(target.address);
  return from.find(({ to, address }) => isIP(address) === family && to.allows(hop.host, target.address))?.address;
}

/** A whole dial: `opened` is given the socket of the attempt that won, or `outcome` hears why none did. */
export function dialBy<Socket>(
  hop: Hop,
  options: DialOptions,
  driver: Driver,
  outcome: DialOutcome,
  attempt: Attempt<Socket>,
  opened: (socket: Socket) => void,
): void {
  reach(hop, options, attempt).then(opened, (error: unknown) => {
    const why = error instanceof DialError ? error.code : "UNREACHABLE";
    const detail = error instanceof Error ? error.message : String(error);
    driver.turn((now) => outcome.failed(why, detail, now));
  });
}

/**
 * Finds a connection to a hop.
 *
 * @param attempt  connects to one address, TLS included; rejects with a DialError, and drops what it has when its
 *                 signal is aborted, also after it has succeeded
 */
export async function reach<Socket>(hop: Hop, options: DialOptions, attempt: Attempt<Socket>): Promise<Socket> {
  const whole = new AbortController();
  let step = "looking up the name";
  const timer = setTimeout(() => {
    const detail = `${hop.host} did not answer within ${options.timeoutSeconds} s (${step}): is it up, and does a firewall stand between?`;
    whole.abort(new DialError("TIMEOUT", detail));
  }, options.timeoutSeconds * 1000);
  try {
    const targets = await beforeAbort(allowedTargets(hop, options), whole.signal);
    step = `connecting to ${list(targets)}`;
    return await race(targets, attempt, whole.signal);
  } catch (reason) {
    throw reason instanceof AggregateError ? worst(hop, reason.errors) : reason;
  } finally {
    clearTimeout(timer);
  }
}

async function allowedTargets(hop: Hop, options: DialOptions): Promise<Target[]> {
  const named: Hop = options.at === undefined ? hop : { secure: false, ...options.at };
  const targets = await resolveHop(named, options.resolver ?? systemResolver);
  if (targets.length === 0) {
    throw new DialError("UNRESOLVED", `no address for ${hop.host}: check the spelling and this machine's DNS`);
  }
  options.progress?.("resolve", `${hop.host} is ${list(targets)}`);
  const allowed = targets.filter((target) => options.egress.allows(hop.host, target.address));
  if (allowed.length > 0) return allowed;
  const found = targets.map((target) => `${target.address} (${classify(target.address)})`).join(", ");
  throw new DialError(
    "POLICY",
    `${hop.host} is ${found}, which outgoing.allow does not include: add it there if you mean it`,
  );
}

/** One failure for all: what a person can mend first, each address with its reason. */
function worst(hop: Hop, reasons: readonly unknown[]): DialError {
  const errors = reasons.map((reason) =>
    reason instanceof DialError ? reason : new DialError("UNREACHABLE", String(reason)),
  );
  const code = (["CERTIFICATE", "TIMEOUT"] as const).find((one) => errors.some((error) => error.code === one));
  const details = errors.map((error) => error.message).join("; ");
  return new DialError(code ?? "UNREACHABLE", `no connection to ${hop.host}: ${details}`);
}

function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

function list(targets: readonly Target[]): string {
  return targets.map((target) => authority(target.address, target.port)).join(", ");
}
