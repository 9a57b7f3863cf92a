/**
 * Listening addresses with the certificates shown on them.
 *
 * A listener shows its own certificate, and that of a domain to whoever asks for the domain by SNI. A client refuses
 * a certificate that does not cover the host of the URI it was given, so we refuse it first.
 */
import { classify, Egress } from "../shared/egress.ts";
import type { TlsServerOptions } from "../shared/runtime.ts";
import { type ListenUrl, parseListenUrl } from "./addresses.ts";
import { type CertificateReader, type CheckedPair, covers } from "./certificates.ts";
import type { Complaints } from "./complaints.ts";
import type { Path } from "./locate.ts";
import type { Written } from "./schema.ts";
import type { ListenerSettings } from "./settings.ts";
import { firstWorkerPort } from "./worker-ports.ts";

export function buildListeners(
  written: Written,
  hostname: string,
  clientCa: readonly string[],
  reader: CertificateReader,
  complaints: Complaints,
): ListenerSettings[] {
  checkRepeats(written, complaints);
  const byName = readDomainPairs(written, reader, complaints);
  const shown: CheckedPair[] = [...byName.values()];
  const listeners = written.listeners.flatMap((listener, index): ListenerSettings[] => {
    const path = ["listeners", index];
    const url = parseListenUrl(listener.url);
    if (url === undefined) return []; // the schema has complained
    const { host, port } = url;
    const proxyProtocol = buildProxyProtocol(listener.proxyProtocol, url, path, complaints);
    const at: ListenerSettings = {
      name: listener.name,
      host,
      port,
      ...(written.workers !== 1 && { workerPorts: firstWorkerPort(listener, port) }),
      ...(listener.reusePort === true && { reusePort: true }),
      ...(proxyProtocol !== undefined && { proxyProtocol }),
    };
    if (!url.secure) {
      if (listener.tls !== undefined)
        complaints.keyError([...path, "tls"], "an msrp:// listener has no TLS; msrps:// has");
      return [at];
    }
    if (listener.auth !== undefined) complaints.warning([...path, "auth"], "changes nothing on an msrps:// listener");
    const own = listener.tls === undefined ? undefined : reader.pair(listener.tls, [...path, "tls"]);
    if (own !== undefined) shown.push(own);
    const [first] = byName.values();
    const fallback = own ?? first;
    if (fallback === undefined) {
      if (listener.tls === undefined && !written.domains.some(({ tls }) => tls !== undefined))
        complaints.keyError([...path, "tls"], "missing; an msrps:// listener needs { cert, key }");
      return [];
    }
    const advertised =
      listener.advertise === undefined ? hostname : (parseListenUrl(listener.advertise)?.host ?? hostname);
    checkCovered(advertised, own, byName, fallback, path, complaints);
    const tls: TlsServerOptions = { fallback, byName, clientCa };
    return [{ ...at, tls }];
  });
  if (listeners.some(({ tls }) => tls !== undefined)) warnOfUncovered(written, shown, complaints);
  return listeners;
}

function buildProxyProtocol(
  written: Written["listeners"][number]["proxyProtocol"],
  { host }: ListenUrl,
  path: Path,
  complaints: Complaints,
): ListenerSettings["proxyProtocol"] {
  if (written === undefined || written === false) return undefined;
  if (written === true) {
    // An address that anybody may claim limits nobody.
    if (classify(host) !== "loopback" && host !== "localhost") {
      const text = "believes whoever connects; name the proxies: { from: [addresses] }";
      complaints.warning([...path, "proxyProtocol"], text);
    }
    return {};
  }
  for (const [index, rule] of written.from.entries()) {
    const where = [...path, "proxyProtocol", "from", index];
    try {
      new Egress([rule]);
      if (!/^(public|private|loopback|any)$|[/:]|^[\d.]+$/i.test(rule.trim())) {
        complaints.error(where, `"${rule}" is a name; proxies are known by their addresses`);
      }
    } catch (error) {
      complaints.error(where, error instanceof Error ? error.message : String(error));
    }
  }
  return { from: written.from };
}

/** Two listeners of one name would be one in the logs; two on one address cannot both have it. */
function checkRepeats({ listeners }: Written, complaints: Complaints): void {
  const names = new Set<string>();
  const addresses = new Set<string>();
  for (const [index, listener] of listeners.entries()) {
    if (names.has(listener.name)) complaints.error(["listeners", index, "name"], `${listener.name} stands here twice`);
    names.add(listener.name);
    const url: ListenUrl | undefined = parseListenUrl(listener.url);
    if (url === undefined || url.port === 0) continue;
    const address = `${url.host} ${url.port}`;
    if (addresses.has(address))
      complaints.error(["listeners", index, "url"], "another listener has this address and port");
    addresses.add(address);
  }
}

function readDomainPairs(
  { domains }: Written,
  reader: CertificateReader,
  complaints: Complaints,
): ReadonlyMap<string, CheckedPair> {
  const pairs = new Map<string, CheckedPair>();
  for (const [index, { name, tls }] of domains.entries()) {
    if (tls === undefined) continue;
    const path = ["domains", index, "tls"];
    const pair = reader.pair(tls, path);
    if (pair === undefined) continue;
    if (!covers(pair.certificate, name)) complaints.error([...path, "cert"], notCovered(pair, name));
    pairs.set(name, pair);
  }
  return pairs;
}

/** The URIs we hand out name `host`, so whoever connects there must see a certificate for it. */
function checkCovered(
  host: string,
  own: CheckedPair | undefined,
  byName: ReadonlyMap<string, CheckedPair>,
  fallback: CheckedPair,
  path: Path,
  complaints: Complaints,
): void {
  const pair = byName.get(host) ?? fallback;
  if (covers(pair.certificate, host)) return;
  complaints.error(own === undefined ? path : [...path, "tls", "cert"], notCovered(pair, host));
}

/** A client that comes by the domain's name (RFC 4976 §8) checks that name. */
function warnOfUncovered({ domains }: Written, shown: readonly CheckedPair[], complaints: Complaints): void {
  for (const [index, { name, tls }] of domains.entries()) {
    if (tls !== undefined || shown.some((pair) => covers(pair.certificate, name))) continue;
    complaints.warning(
      ["domains", index, "name"],
      `no certificate covers ${name}; clients that connect by it will refuse`,
    );
  }
}

function notCovered({ certificate }: CheckedPair, host: string): string {
  const names = [...(certificate.subjectAltName ?? "").matchAll(/(?:DNS|IP Address):([^,]+)/g)].map(([, name]) => name);
  return `the certificate does not cover ${host}; it is for ${names.length > 0 ? names.join(", ") : "no name at all"}`;
}
