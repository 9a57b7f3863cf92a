/**
 * Is a peer a relay, and which (RFC 4976 §6.3, §9.2)? Its certificate must name the host it speaks as, and the operator
 * must have listed that host: a certificate alone makes nobody a relay.
 */
import type { Peer } from "../ports.ts";

/**
 * @param host  of the first From-Path URI, lower case
 * @param relayNames  `relays.names` of the configuration
 */
export function isRelay(peer: Peer, host: string, relayNames: readonly string[]): boolean {
  return certifies(peer, host) && relayNames.some((name) => matchesLabel(name, host));
}

/** Does its certificate name this host? That makes it the host, and not yet a relay. */
export function certifies(peer: Peer, host: string): boolean {
  return peer.secure && peer.names.some((name) => matchesLabel(name, host));
}

/** `*.example.net` stands for one label, as in certificates (RFC 6125 §6.4.3). */
function matchesLabel(pattern: string, host: string): boolean {
  const name = pattern.toLowerCase();
  if (!name.startsWith("*.")) return name === host;
  const dot = host.indexOf(".");
  return dot > 0 && host.slice(dot) === name.slice(1);
}
