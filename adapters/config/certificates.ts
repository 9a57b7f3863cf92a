/**
 * Certificates and keys named by a configuration: readable, belonging together, in date, and for the right names.
 *
 * The pair is compared here because not every runtime does it when it loads them: one accepts a foreign key in
 * silence, and then every handshake fails.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { byServerName, certifiedNames } from "../shared/certified-names.ts";
import type { KeyPair } from "../shared/runtime.ts";
import type { Complaints, Context } from "./complaints.ts";
import type { Path } from "./locate.ts";
import { dotted } from "./problem.ts";
import { readText } from "./references.ts";

const DAY = 86_400_000;
const SOON = 14 * DAY;

/** A pair that may be put to use, with the certificate parsed. */
export interface CheckedPair extends KeyPair {
  readonly certificate: X509Certificate;
}

/** Pairs by the key of the configuration that holds them, as `dotted` writes it: `domains[0].tls`. */
export type Pairs = ReadonlyMap<string, CheckedPair>;

export class CertificateReader {
  /** Every file that was asked for, readable or not. */
  readonly files: Set<string>;
  /** Those that may be put to use. */
  readonly pairs: Map<string, CheckedPair>;
  readonly #folder: string;
  readonly #now: number;
  readonly #complaints: Complaints;
  readonly #kept: Pairs;

  /** @param kept  pairs in use, for when the files of one cannot be used any more: that is forgiven then */
  constructor({ folder, now, complaints, kept = new Map() }: Context) {
    this.files = new Set();
    this.pairs = new Map();
    this.#folder = folder;
    this.#now = now;
    this.#complaints = complaints;
    this.#kept = kept;
  }

  /** @param path  of the map that holds `cert` and `key` */
  pair(files: { readonly cert: string; readonly key: string }, path: Path): CheckedPair | undefined {
    const name = dotted(path);
    const kept = this.#kept.get(name);
    const before = this.#complaints.problems.length;
    const pair = this.#usable(files, path) ?? kept;
    if (pair !== undefined) this.pairs.set(name, pair);
    if (pair !== undefined && pair === kept) this.#complaints.forgive(before);
    return pair;
  }

  #usable(files: { readonly cert: string; readonly key: string }, path: Path): CheckedPair | undefined {
    const cert = this.#read(files.cert, [...path, "cert"]);
    const key = this.#read(files.key, [...path, "key"]);
    const certificate = cert === undefined ? undefined : this.#parse(cert, [...path, "cert"]);
    if (key === undefined || cert === undefined || certificate === undefined) return undefined;
    this.#checkDates(certificate, [...path, "cert"]);
    return this.#belongTogether(certificate, key, [...path, "key"]) ? { cert, key, certificate } : undefined;
  }

  /** Certificate authorities to believe; one file may hold many. */
  authority(file: string, path: Path): string | undefined {
    const pem = this.#read(file, path);
    return pem !== undefined && this.#parse(pem, path) !== undefined ? pem : undefined;
  }

  #read(file: string, path: Path): string | undefined {
    const whole = resolve(this.#folder, file);
    this.files.add(whole);
    return readText(whole, this.#complaints, path);
  }

  #parse(pem: string, path: Path): X509Certificate | undefined {
    if (pem.includes("-----BEGIN CERTIFICATE-----")) {
      try {
        return new X509Certificate(pem);
      } catch {
        // said below
      }
    }
    this.#complaints.error(path, "holds no PEM certificate");
    return undefined;
  }

  #checkDates(certificate: X509Certificate, path: Path): void {
    const from = Date.parse(certificate.validFrom);
    const to = Date.parse(certificate.validTo);
    if (to < this.#now) this.#complaints.warning(path, `the certificate expired on ${day(to)}`);
    else if (to < this.#now + SOON) this.#complaints.warning(path, `the certificate expires on ${day(to)}`);
    if (from > this.#now) this.#complaints.warning(path, `the certificate is not valid before ${day(from)}`);
  }

  #belongTogether(certificate: X509Certificate, key: string, path: Path): boolean {
    try {
      if (certificate.checkPrivateKey(createPrivateKey(key))) return true;
      this.#complaints.error(path, "does not belong to the certificate");
    } catch {
      const locked = key.includes("ENCRYPTED");
      this.#complaints.error(
        path,
        locked ? "the key is encrypted; parley needs it without a passphrase" : "holds no PEM private key",
      );
    }
    return false;
  }
}

/** Would a client that wants to reach `host` be content with this certificate? */
export function covers(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  // Not checkHost, which knows wildcards on some runtimes only.
  const names = new Map(certifiedNames(certificate.subjectAltName).map((name) => [name, true]));
  return byServerName(names, host) === true;
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
