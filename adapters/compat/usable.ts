/** A certificate and key for node:tls. Deno takes a key that is none, or somebody else's, and fails every handshake. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyPair } from "../shared/runtime.ts";

/** @throws Error when it cannot be put to use */
export function usable({ cert, key }: KeyPair): { cert: string; key: string } {
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  throw new Error("the certificate and the key do not belong together");
}
