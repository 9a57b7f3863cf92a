/**
 * Makes a private authority and certificates of it: for a relay that starts in an empty folder, and for tests.
 *
 * RFC 5280 in its smallest useful form, on P-256. The leaf serves both ends of a TLS connection, because a relay
 * accepts from clients and dials other relays under the same name (RFC 4976 §9.2).
 */
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import type { KeyPair } from "./runtime.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Certificates begin this long before now, so that a clock that is behind accepts them. */
const CLOCK_SKEW_MS = 60 * 60 * 1000;

const ecdsaWithSha256 = new AlgorithmIdentifier({ algorithm: "1.2.840.10045.4.3.2" }); // RFC 5758 §3.2
const commonName = "2.5.4.3";

/** Makes an authority that signs itself. */
export async function makeAuthority(options: { name: string; days: number }): Promise<KeyPair> {
  const subject = named(options.name);
  const keys = makeKeys();
  const extensions = [
    extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: true, pathLenConstraint: 0 })),
    extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)),
    extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyId(keys.spki))),
  ];
  return {
    cert: issue({ subject, issuer: subject, spki: keys.spki, days: options.days, extensions }, keys.key),
    key: keys.key,
  };
}

/**
 * Makes a certificate for a server, a client or both.
 *
 * @param options.names  DNS names and IP addresses, at least one; the first is the common name
 * @param options.days  from now; negative makes one that has expired
 */
export async function makeCertificate(options: {
  authority: KeyPair;
  names: readonly string[];
  days: number;
}): Promise<KeyPair> {
  const [first] = options.names;
  if (first === undefined) throw new Error("a certificate needs a name");
  const authority = AsnConvert.parse(new X509Certificate(options.authority.cert).raw, Certificate).tbsCertificate;
  const authoritySpki = AsnConvert.serialize(authority.subjectPublicKeyInfo);
  const keys = makeKeys();
  const alternatives = options.names.map((name) =>
    isIP(name) === 0 ? new GeneralName({ dNSName: name }) : new GeneralName({ iPAddress: name }),
  );
  const extensions = [
    extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: false })),
    extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.digitalSignature)),
    extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth])),
    extension(id_ce_subjectAltName, false, new SubjectAlternativeName(alternatives)),
    extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyId(keys.spki))),
    extension(
      id_ce_authorityKeyIdentifier,
      false,
      new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyId(authoritySpki)) }),
    ),
  ];
  // A common name has at most 64 characters (RFC 5280, ub-common-name); nobody should look at it anyway.
  const subject = named(first.slice(0, 64));
  const request = { subject, issuer: authority.subject, spki: keys.spki, days: options.days, extensions };
  return { cert: issue(request, options.authority.key), key: keys.key };
}

interface Request {
  readonly subject: Name;
  readonly issuer: Name;
  readonly spki: ArrayBuffer;
  readonly days: number;
  readonly extensions: Extension[];
}

function issue(request: Request, signingKey: string): string {
  const end = Date.now() + request.days * DAY_MS;
  const begin = Math.min(Date.now(), end - DAY_MS) - CLOCK_SKEW_MS;
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40; // positive, and of one length
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: octets(serial),
    signature: ecdsaWithSha256,
    issuer: request.issuer,
    validity: new Validity({ notBefore: new Date(begin), notAfter: new Date(end) }),
    subject: request.subject,
    subjectPublicKeyInfo: AsnConvert.parse(request.spki, SubjectPublicKeyInfo),
    extensions: new Extensions(request.extensions),
  });
  const signatureValue = sign(
    "sha256",
    new Uint8Array(AsnConvert.serialize(tbsCertificate)),
    createPrivateKey(signingKey),
  );
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: ecdsaWithSha256,
    signatureValue: octets(signatureValue),
  });
  return pem(new Uint8Array(AsnConvert.serialize(certificate)));
}

function makeKeys(): { key: string; spki: ArrayBuffer } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    spki: octets(publicKey.export({ type: "spki", format: "der" })),
  };
}

/** Any value that is the same for the same key (RFC 5280 §4.2.1.2). */
function keyId(spki: ArrayBuffer): ArrayBuffer {
  return octets(createHash("sha256").update(new Uint8Array(spki)).digest().subarray(0, 20));
}

function named(name: string): Name {
  const value = new AttributeValue({ utf8String: name });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: commonName, value })])]);
}

function extension(extnID: string, critical: boolean, value: unknown): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** Only these octets, in a buffer of their own. */
function octets(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
