/**
 * What went through a session: plain numbers, added to as frames pass (forwarding/), and told when it ends.
 *
 * A file is a message whose first chunk says so: by a Content-Disposition of attachment or render with a filename (RFC
 * 5547 §8.3.1), or by a Content-Type that is neither text, nor the wrapping of chat (message/cpim), nor something that
 * clients tell each other about it (message/imdn+xml, application/im-iscomposing+xml). One that is sent again from its
 * first octet counts again; what is wrapped in message/cpim is not looked at.
 */
import { SPACE, spells } from "../bytes/octets.ts";
import type { Head } from "../codec/head.ts";
import { CONTENT_DISPOSITION, CONTENT_TYPE } from "../codec/header.ts";
import type { Traffic } from "../ports.ts";

/** A Traffic that grows. */
export type Tally = { -readonly [name in keyof Traffic]: number };

export function newTally(): Tally {
  return {
    bytesIn: 0,
    bytesOut: 0,
    messagesIn: 0,
    messagesOut: 0,
    filesIn: 0,
    filesOut: 0,
    reportsIn: 0,
    reportsOut: 0,
  };
}

const SEMICOLON = 0x3b;
const TEXT = "text/";
/** Media types of chat itself, text aside. */
const chat = ["message/cpim", "message/imdn+xml", "application/im-iscomposing+xml"];
const namesFile = /^(?:attachment|render)\s*;.*\bfilename\*?\s*=/i;

/** Is the message that begins with this head a file? */
export function isFile(head: Head): boolean {
  if (head.has(CONTENT_DISPOSITION) && namesFile.test(head.value(CONTENT_DISPOSITION) ?? "")) return true;
  if (!head.has(CONTENT_TYPE)) return false;
  const { octets } = head;
  const start = head.startOf(CONTENT_TYPE);
  const end = head.endOf(CONTENT_TYPE);
  // First what most messages are.
  if (end - start > TEXT.length && spells(octets, start, start + TEXT.length, TEXT)) return false;
  const typeEnd = mediaTypeEnd(octets, start, end);
  for (const type of chat) if (spells(octets, start, typeEnd, type)) return false;
  return true;
}

/** Where the parameters of a media type begin. */
function mediaTypeEnd(source: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (source[at] === SEMICOLON || source[at] === SPACE) return at;
  return end;
}
