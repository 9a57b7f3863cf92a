/**
 * Configured text and wire octets.
 *
 * Names and passwords of the configuration are JavaScript strings; a header value is an octet string (core/bytes/
 * octets.ts). Digest hashes octets, so before anything is hashed or compared configured text becomes its UTF-8 octets
 * (RFC 7616 §4; python3-msrplib does the same). We do not normalise: without `charset` in the challenge no client
 * does, so the account must be stored in the form in which it is typed.
 */

/** The UTF-8 octets of configured text, as an octet string. A lone surrogate becomes U+FFFD. */
export function utf8Octets(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd")).replace(/%(..)/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** The text whose UTF-8 octets these are; undefined when they are not UTF-8. */
export function utf8Text(octetString: string): string | undefined {
  try {
    return decodeURIComponent(
      octetString.replace(/[%\x80-\xff]/g, (octet) => `%${octet.charCodeAt(0).toString(16).padStart(2, "0")}`),
    );
  } catch {
    return undefined; // URIError: the only thing decodeURIComponent throws
  }
}
