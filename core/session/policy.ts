/**
 * What the operator's rules say of a session, of who talks to whom, and of a message (`policy.rules`).
 *
 * The first rule whose conditions all hold decides; where none does, it is allowed. When a session starts nothing is known
 * of its peers and messages, and when a route is found nothing of its messages. So rules are looked at three times: a
 * rule that needs what is not known yet cannot deny, but an allowing one keeps those behind it from denying too early.
 * What is left of them for a route is decided once for its pair of paths, and for nearly every route nothing is.
 */
import type { Fault } from "../faults.ts";
import type { PolicyRule } from "../ports.ts";

/** Whose rules are asked for, and who is on the other side. */
export interface Party {
  readonly user: string;
  readonly domain: string;
  /** The host of the next hop or the previous one; of another user of ours his domain. */
  readonly peer: string;
}

/** What has to be looked at for each message of a route. */
export interface Terms {
  /** Nothing. */
  readonly free: boolean;
  /** Nothing goes this way. */
  readonly denied: boolean;
  /** For each party the rules that look at messages, and then what follows when none of them decides. */
  readonly rules: readonly (readonly PolicyRule[])[];
}

const freeTerms: Terms = { free: true, denied: false, rules: [] };

/** May this user have sessions? */
export function allowsSession(rules: readonly PolicyRule[], user: string, domain: string): boolean {
  for (const rule of rules) {
    if (!isFor(rule, user, domain)) continue;
    const decided = rule.peer === undefined && !looksAtMessages(rule);
    // One that needs to know more may allow something later, and then the session must be there.
    if (decided || rule.action === "allow") return rule.action === "allow";
  }
  return true;
}

/** @param limited  is there a limit for the size of messages? */
export function termsOf(rules: readonly PolicyRule[], parties: readonly Party[], limited: boolean): Terms {
  if (rules.length === 0) return limited ? { ...freeTerms, free: false } : freeTerms;
  const left = parties.map((party) => rulesLeft(rules, party));
  const denied = left.some(([first]) => first?.action === "deny" && !looksAtMessages(first));
  const asked = left.filter((some) => some.some(looksAtMessages));
  if (!denied && asked.length === 0 && !limited) return freeTerms;
  return { free: false, denied, rules: asked };
}

/**
 * What the rules of a route say of a message.
 *
 * @param type   its media type without parameters; "" when it has none
 * @param total  its size, or -1 while that is not known
 * @returns how large it may become
 */
export function judgeMessage({ rules }: Terms, type: string, total: number): number | Fault {
  let most = Number.MAX_SAFE_INTEGER;
  for (const some of rules) {
    for (const { action, contentType, largerThan } of some) {
      if (contentType !== undefined && !fits(contentType, type)) continue;
      if (largerThan !== undefined && total >= 0 && total <= largerThan) continue;
      if (largerThan !== undefined && total < 0) {
        // Nobody knows yet: it is denied when it has become so large, if nothing before has allowed that.
        if (action === "deny") most = Math.min(most, largerThan);
        continue;
      }
      if (action === "allow") break;
      return largerThan === undefined ? "POLICY_TYPE" : "MESSAGE_TOO_LARGE";
    }
  }
  return most;
}

/** Does the text fit the pattern, in which each `*` stands for anything? Whatever the case. */
export function fits(pattern: string, text: string): boolean {
  const pieces = pattern.toLowerCase().split("*");
  const whole = text.toLowerCase();
  const [first = ""] = pieces;
  const last = pieces.at(-1) ?? "";
  if (pieces.length === 1) return whole === first;
  if (!whole.startsWith(first) || !whole.endsWith(last) || whole.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = whole.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= whole.length - last.length;
}

/** Those that may still decide, up to the one that does without looking at a message. */
function rulesLeft(rules: readonly PolicyRule[], { user, domain, peer }: Party): PolicyRule[] {
  const left: PolicyRule[] = [];
  for (const rule of rules) {
    if (!isFor(rule, user, domain) || (rule.peer !== undefined && !fits(rule.peer, peer))) continue;
    left.push(rule);
    if (!looksAtMessages(rule)) break;
  }
  return left;
}

function isFor(rule: PolicyRule, user: string, domain: string): boolean {
  if (rule.user !== undefined && !fits(rule.user, user)) return false;
  return rule.domain === undefined || fits(rule.domain, domain);
}

function looksAtMessages({ contentType, largerThan }: PolicyRule): boolean {
  return contentType !== undefined || largerThan !== undefined;
}
