/** H(A1), what a store keeps of a password (RFC 7616 §3.4.2). */
import { createHash } from "node:crypto";
import type { DigestAlgorithm } from "../../core/mod.ts";

const nodeNames: Record<DigestAlgorithm, string> = { MD5: "md5", "SHA-256": "sha256", "SHA-512-256": "sha512-256" };

/** For every algorithm, so that an operator may change `auth.algorithms` without asking users for their passwords. */
export function hashPassword(username: string, realm: string, password: string): Record<DigestAlgorithm, string> {
  const hash = (algorithm: DigestAlgorithm) =>
    createHash(nodeNames[algorithm]).update(`${username}:${realm}:${password}`, "utf8").digest("hex");
  return { MD5: hash("MD5"), "SHA-256": hash("SHA-256"), "SHA-512-256": hash("SHA-512-256") };
}

const digits: Record<DigestAlgorithm, number> = { MD5: 32, "SHA-256": 64, "SHA-512-256": 64 };

export const algorithms = Object.keys(digits) as readonly DigestAlgorithm[];

/** Is this H(A1) as people and tables write it: hexadecimal digits, as many as the algorithm has? */
export function isHash(text: string, algorithm: DigestAlgorithm): boolean {
  return text.length === digits[algorithm] && /^[0-9a-f]*$/i.test(text);
}

export function notHash(algorithm: DigestAlgorithm): string {
  return `must be ${digits[algorithm]} hexadecimal digits`;
}
