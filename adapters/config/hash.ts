/** H(A1) as people write it: hexadecimal digits, as many as the algorithm has. */
import type { DigestAlgorithm } from "../../core/mod.ts";

const digits: Record<DigestAlgorithm, number> = { MD5: 32, "SHA-256": 64, "SHA-512-256": 64 };

export const algorithms = Object.keys(digits) as readonly DigestAlgorithm[];

export function isHash(text: string, algorithm: DigestAlgorithm): boolean {
  return text.length === digits[algorithm] && /^[0-9a-f]*$/i.test(text);
}

export function notHash(algorithm: DigestAlgorithm): string {
  return `must be ${digits[algorithm]} hexadecimal digits`;
}
