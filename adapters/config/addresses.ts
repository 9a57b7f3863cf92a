/** The short texts of a configuration that name hosts, networks and listening addresses. */
import { isIP } from "node:net";

/**
 * A host name (its first label may be `*`), an IPv4 address, or an IPv6 address with or without brackets. Names from
 * other alphabets are written as certificates and URIs have them, `xn--…`.
 */
export const hostPattern =
  /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$|^\[?[0-9a-f:.]*:[0-9a-f:.]*\]?$/i;

export interface ListenUrl {
  readonly secure: boolean;
  /** Without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export function schemeOf(url: string): string {
  return /^([a-z]+):\/\//i.exec(url)?.[1]?.toLowerCase() ?? "";
}

/** `msrps://0.0.0.0:2855`, `msrp://[::1]:2856`; without a port 2855 (RFC 4976 §8). */
export function parseListenUrl(url: string): ListenUrl | undefined {
  const [, scheme, bracketed, plain, digits] =
    /^(msrps?):\/\/(?:\[([0-9a-f:.]+)\]|([^:/?#[\]@\s]+))(?::(\d{1,5}))?\/?$/i.exec(url) ?? [];
  const host = (bracketed ?? plain ?? "").toLowerCase();
  const port = Number(digits ?? 2855);
  const named = bracketed === undefined ? hostPattern.test(host) : isIP(host) === 6;
  if (scheme === undefined || !named || port > 65_535) return undefined;
  return { secure: scheme.toLowerCase() === "msrps", host, port };
}

/** `http://127.0.0.1:8080`, `https://admin.example.com:8443`. */
export function parseHttpUrl(url: string): ListenUrl | undefined {
  const [, scheme = "", bracketed, plain, digits] =
    /^(https?):\/\/(?:\[([0-9a-f:.]+)\]|([^:/?#[\]@\s]+))(?::(\d{1,5}))?\/?$/i.exec(url) ?? [];
  const secure = scheme.toLowerCase() === "https";
  const host = (bracketed ?? plain ?? "").toLowerCase();
  const port = Number(digits ?? (secure ? 443 : 80));
  if (host === "" || port > 65_535 || !(bracketed === undefined ? hostPattern.test(host) : isIP(host) === 6))
    return undefined;
  return { secure, host, port };
}

export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}
