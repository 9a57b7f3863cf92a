/** Frames as text, for tests that speak MSRP by hand. Octet strings throughout; nothing is checked, so wrong ones can be written too. */

export interface Said {
  readonly to: readonly string[];
  readonly from: readonly string[];
  /** Whole lines without CRLF, behind the paths. */
  readonly headers?: readonly string[];
  /** undefined: no blank line and no body. */
  readonly body?: string | undefined;
  readonly flag?: "$" | "+" | "#";
}

export interface SendSaid extends Said {
  readonly messageId?: string;
  readonly range?: string | undefined;
  readonly failureReport?: string | undefined;
}

/** A request, or a response when `what` is a status. */
export function request(id: string, what: string, said: Said): string {
  const { body, flag = "$" } = said;
  return head(id, what, said) + (body === undefined ? "" : `\r\n${body}\r\n`) + `-------${id}${flag}\r\n`;
}

export function send(id: string, said: SendSaid): string {
  return request(id, "SEND", { ...said, headers: sendHeaders(said) });
}

/** A SEND up to its blank line: the body follows, then `end`. */
export function beginSend(id: string, said: SendSaid): string {
  return `${head(id, "SEND", { ...said, headers: sendHeaders({ ...said, body: "" }) })}\r\n`;
}

/** CRLF and end-line. */
export function end(id: string, flag: "$" | "+" | "#" = "$"): string {
  return `\r\n-------${id}${flag}\r\n`;
}

function head(id: string, what: string, { to, from, headers = [] }: Said): string {
  const lines = [`MSRP ${id} ${what}`, `To-Path: ${to.join(" ")}`, `From-Path: ${from.join(" ")}`, ...headers];
  return lines.map((line) => `${line}\r\n`).join("");
}

function sendHeaders(said: SendSaid): string[] {
  const { body, messageId = "m111", range, failureReport, headers = [] } = said;
  const lines = [`Message-ID: ${messageId}`];
  if (range !== undefined) lines.push(`Byte-Range: ${range}`);
  if (failureReport !== undefined) lines.push(`Failure-Report: ${failureReport}`);
  return [...lines, ...headers, ...(body === undefined ? [] : ["Content-Type: text/plain"])];
}
