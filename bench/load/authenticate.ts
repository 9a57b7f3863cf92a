/**
 * AUTH as a client does it (RFC 4976 §5.1, RFC 2617), with MD5, which every relay we measure against offers.
 *
 * The hash is that of the runtime: in a storm of AUTHs the generator must not be slower than what it measures.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Target } from "./order.ts";
import { exchange } from "./sockets.ts";

const ha1s = new Map<string, string>();
let ids = 0;

/** Authenticates and returns the Use-Path. */
export async function authenticate(socket: Socket, target: Target, own: string): Promise<string> {
  const challenged = await exchange(socket, auth(target, own, ""));
  const challenge = challenges(challenged).find((value) => !/algorithm="?SHA/i.test(value));
  if (challenge === undefined) throw new Error(`no challenge for MD5 in:\n${challenged}`);
  const granted = await exchange(socket, auth(target, own, `Authorization: ${answer(challenge, target)}\r\n`));
  const usePath = /^Use-Path: *(\S+)\r$/im.exec(granted)?.[1];
  if (usePath === undefined) throw new Error(`AUTH brought no Use-Path:\n${granted}`);
  return usePath;
}

function auth(target: Target, own: string, more: string): string {
  const id = `auth${(ids++).toString(36).padStart(6, "0")}`;
  return `MSRP ${id} AUTH\r\nTo-Path: ${target.authUri}\r\nFrom-Path: ${own}\r\n${more}-------${id}$\r\n`;
}

function challenges(response: string): string[] {
  return [...response.matchAll(/^WWW-Authenticate: *(.+)\r$/gim)].map(([, value]) => value as string);
}

function answer(challenge: string, target: Target): string {
  const realm = parameter(challenge, "realm");
  const nonce = parameter(challenge, "nonce");
  const opaque = parameter(challenge, "opaque");
  const account = `${target.username}:${realm}:${target.password}`;
  const ha1 = ha1s.get(account) ?? md5(account);
  ha1s.set(account, ha1);
  const cnonce = randomBytes(9).toString("hex");
  const digest = md5(`${ha1}:${nonce}:00000001:${cnonce}:auth:${md5(`AUTH:${target.authUri}`)}`);
  const parts = [
    `username="${target.username}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${target.authUri}"`,
    `response="${digest}"`,
    "algorithm=MD5",
    `cnonce="${cnonce}"`,
    "qop=auth",
    "nc=00000001",
  ];
  if (opaque !== "") parts.push(`opaque="${opaque}"`);
  return `Digest ${parts.join(", ")}`;
}

function parameter(challenge: string, name: string): string {
  return new RegExp(`\\b${name}="([^"]*)"`, "i").exec(challenge)?.[1] ?? "";
}

function md5(text: string): string {
  return createHash("md5").update(text, "latin1").digest("hex");
}
