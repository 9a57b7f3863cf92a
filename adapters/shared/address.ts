/**
 * Textual IP addresses: one spelling for each, and the numbers behind an IPv6 address.
 *
 * An IPv4 client of a dual-stack socket shows as `::ffff:192.0.2.1`; limits, logs and egress rules all mean 192.0.2.1.
 */
import { isIP } from "node:net";

/** Without brackets or zone, and IPv4-mapped IPv6 as IPv4. Anything that is no address comes back as it is. */
export function plainAddress(address: string): string {
  const zone = address.indexOf("%");
  const bare = zone < 0 ? address : address.slice(0, zone);
  if (isIP(bare) !== 6) return bare;
  const words = ipv6Words(bare);
  for (let i = 0; i < 5; i++) if (words[i] !== 0) return bare;
  return words[5] === 0xffff ? dotted(words[6] as number, words[7] as number) : bare;
}

/** `192.0.2.1`, out of the two 16-bit words that carry it in an IPv6 address. */
export function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The eight 16-bit words of a valid IPv6 address without zone. */
export function ipv6Words(address: string): number[] {
  const [before = "", after] = address.split("::");
  const head = wordsOf(before);
  if (after === undefined) return head;
  const tail = wordsOf(after);
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

/** An address and port as people write them: `192.0.2.1:2855`, `[2001:db8::1]:2855`. */
export function authority(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function wordsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((part) => {
    if (!part.includes(".")) return Number.parseInt(part, 16);
    const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
