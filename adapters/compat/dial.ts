/**
 * Dialling over node:net and node:tls: one attempt at one address. What is tried, and in which order, is shared.
 */
import { X509Certificate } from "node:crypto";
import { isIP, type Socket, connect as connectTcp } from "node:net";
import {
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import type { Duplex } from "node:stream";
import type { Hop, Peer } from "../../core/mod.ts";
import { authority, plainAddress } from "../shared/address.ts";
import { cannotConnect } from "../shared/advice.ts";
import { certifiedNames } from "../shared/certified-names.ts";
import type { Driver } from "../shared/driver.ts";
import { type Attempt, dialBy, DialError, leavingBy } from "../shared/reach.ts";
import type { Target } from "../shared/resolve.ts";
import type { DialOptions, DialOutcome } from "../shared/runtime.ts";
import { connect, ignore, tlsVersion } from "./channel.ts";
import type { Gate } from "./gate.ts";
import { opening } from "./reads.ts";
import type { Cures } from "./runtime.ts";
import { usable } from "./usable.ts";

/** What an attempt leads to. */
interface Reached {
  readonly socket: Socket;
  /** The socket of the kernel: itself, or the one under TLS. */
  readonly raw: Socket;
  readonly gate?: Gate | undefined;
}

export function dial(hop: Hop, options: DialOptions, driver: Driver, outcome: DialOutcome, cures: Cures = {}): void {
  const attempt: Attempt<Reached> = (target, signal) => attemptAt(hop, options, target, signal, cures);
  dialBy(hop, options, driver, outcome, attempt, ({ socket, raw, gate }) => {
    const peer: Peer = {
      address: plainAddress(raw.remoteAddress ?? ""),
      port: raw.remotePort ?? 0,
      secure: hop.secure,
      ...tlsVersion(socket),
      names: hop.secure ? certifiedNames((socket as TLSSocket).getPeerCertificate().subjectaltname) : [],
    };
    connect(socket, peer, driver, (link, now) => outcome.opened(link, now), gate);
  });
}

function attemptAt(
  hop: Hop,
  options: DialOptions,
  target: Target,
  signal: AbortSignal,
  { makeGate, reads }: Cures,
): Promise<Reached> {
  const localAddress = leavingBy(hop, target, options);
  const where = `${authority(target.address, target.port)}${localAddress === undefined ? "" : ` from ${localAddress}`}`;
  return new Promise((resolve, reject) => {
    // As in listen.ts: half-open is for what has been said, and nothing has been in a handshake.
    const to = {
      host: target.address,
      port: target.port,
      allowHalfOpen: !hop.secure,
      ...(localAddress !== undefined && { localAddress }),
    };
    const raw =
      reads === undefined || hop.secure ? connectTcp(to) : opening(reads, (onread) => connectTcp({ ...to, onread }));
    // Never the socket under a TLSSocket: destroying that one first crashes Node (20 to 26).
    let outermost: Socket = raw;
    signal.addEventListener("abort", () => outermost.destroy());
    raw.once("error", (error) => reject(new DialError("UNREACHABLE", cannotConnect(where, error))));
    raw.once("close", () => reject(new DialError("UNREACHABLE", `${where} hung up`)));
    raw.once("connect", () => {
      options.progress?.("connect", where);
      if (!hop.secure) return resolve({ socket: raw, raw });
      const gate = makeGate?.(raw);
      let tls: TLSSocket;
      try {
        tls = secured(gate?.stream ?? raw, hop, options);
      } catch (error) {
        // Our own certificate is unusable, or Deno may not read the system's authorities (--allow-sys).
        raw.destroy();
        return reject(error instanceof Error ? error : new Error(String(error)));
      }
      outermost = tls;
      tls.once("error", (error: NodeJS.ErrnoException) => reject(tlsError(error, tls, where)));
      tls.on("error", ignore);
      tls.once("secureConnect", () => {
        if (!isPinned(tls, options.tls)) {
          tls.destroy();
          return reject(new DialError("CERTIFICATE", `${where} shows another certificate than ours`));
        }
        tls.allowHalfOpen = true;
        options.progress?.("certificate", describe(tls));
        resolve({ socket: tls, raw, gate });
      });
    });
    raw.on("error", ignore);
  });
}

function secured(socket: Duplex, hop: Hop, options: DialOptions): TLSSocket {
  // Neither SNI nor certificates write the dot of a fully qualified name, and SNI has no addresses (RFC 6066 §3).
  const host = hop.host.replace(/\.$/, "");
  return connectTls({
    socket,
    secureContext: contextFor(options.tls),
    servername: isIP(host) === 0 ? host : "",
    // Whatever SRV or the resolver said, the certificate must be for the host of the URI (RFC 4976 §9.2).
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    rejectUnauthorized: options.tls.pinned === undefined,
  });
}

/** True where nothing is pinned: then the chain and the name have been verified. */
function isPinned(tls: TLSSocket, { pinned }: DialOptions["tls"]): boolean {
  if (pinned === undefined) return true;
  const shown = tls.getPeerCertificate().raw as Buffer | undefined;
  return shown !== undefined && pinned.some((pem) => new X509Certificate(pem).raw.equals(shown));
}

/** Making a context reads some 150 authorities, so each set of options has one. */
const contexts = new WeakMap<DialOptions["tls"], SecureContext>();

function contextFor(tls: DialOptions["tls"]): SecureContext {
  const known = contexts.get(tls);
  if (known !== undefined) return known;
  // Both, because "default" leaves out what the operator has installed on the machine.
  const system = tls.system ? [...getCACertificates("default"), ...getCACertificates("system")] : [];
  const made = createSecureContext({
    ca: [...new Set([...system, ...tls.ca])],
    minVersion: "TLSv1.2",
    ...(tls.own && usable(tls.own)),
  });
  contexts.set(tls, made);
  return made;
}

function tlsError(error: NodeJS.ErrnoException, tls: TLSSocket, where: string): DialError {
  const code = error.code ?? error.message;
  // authorizationError says that it was our verification that failed; Deno leaves it empty.
  if (tls.authorizationError || isVerification(code)) {
    const advice = certificateAdvice[code] ?? (tls.authorizationError ? unknownAuthority : notVerified);
    return new DialError("CERTIFICATE", `${where} ${advice} (${error.message})`);
  }
  const what = code === "ECONNRESET" ? "hung up during the TLS handshake" : `failed the TLS handshake (${code})`;
  return new DialError("UNREACHABLE", `${where} ${what}: is it a TLS port?`);
}

/** OpenSSL's words for a certificate it does not believe; what the other side says about ours begins with ERR_SSL. */
function isVerification(code: string): boolean {
  return /^(?!ERR_SSL)[A-Z_]*(CERT|SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)/.test(code);
}

/** What to do about a certificate that was not accepted, by error code. */
const certificateAdvice: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "has a certificate for other names: ask for one of those, or have it mended",
  CERT_HAS_EXPIRED: "has a certificate that has expired: its operator must renew it",
  CERT_NOT_YET_VALID: "has a certificate that is not valid yet: compare the clocks",
};
const unknownAuthority =
  "has a certificate of an authority we do not know: if you trust it, add the authority to outgoing.tls.ca";
/** Deno has one code for whatever is wrong with a chain. */
const notVerified =
  "has a certificate that has expired, or one of an authority we do not know: if you trust it, add the authority to outgoing.tls.ca";

function describe(tls: TLSSocket): string {
  const certificate = tls.getPeerCertificate();
  const issuer = String(certificate.issuer?.CN ?? "an authority without a name");
  return `${tls.getProtocol()}, ${certificate.subjectaltname}, issued by ${issuer}, valid until ${certificate.valid_to}`;
}
