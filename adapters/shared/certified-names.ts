/**
 * The names a verified certificate proves.
 *
 * Only dNSNames count (RFC 4976 §9.2); the common name proves nothing. node:tls gives the alternative names as one
 * text, `DNS:relay.example.com, IP Address:192.0.2.1`, in which anything that could be mistaken for its punctuation
 * stands in quotation marks. No host name needs those, so what is quoted is dropped before the text is taken apart.
 */
export function certifiedNames(subjectAltName: string | undefined): string[] {
  if (subjectAltName === undefined) return [];
  return subjectAltName
    .replace(/"(?:[^"\\]|\\.)*"/g, "")
    .split(", ")
    .filter((entry) => /^DNS:[a-z0-9*_.-]+$/i.test(entry))
    .map((entry) => entry.slice("DNS:".length).toLowerCase());
}

/** What a client's SNI picks among names such as `example.com` and `*.example.com`, which matches one label. */
export function byServerName<T>(names: ReadonlyMap<string, T>, asked: string): T | undefined {
  const name = asked.toLowerCase();
  return names.get(name) ?? names.get(name.replace(/^[^.]*/, "*"));
}
