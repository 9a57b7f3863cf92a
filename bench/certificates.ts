/**
 * The certificates of a run: a P-256 one, which is what parley makes for itself, and one with RSA-2048, which is what
 * many servers still have. RSA needs OpenSSL; without it what needs RSA is left out.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyPair } from "../adapters/shared/runtime.ts";
import { whereIs } from "../test/support/present.ts";
import { testAuthority } from "../test/support/certificates.ts";
import type { Certificates } from "./subjects/subject.ts";

export async function makeCertificates(): Promise<Certificates> {
  const authority = await testAuthority("parley bench authority");
  const p256 = await authority.issue("localhost", "127.0.0.1");
  const rsa2048 = makeRsa();
  // A certificate of OpenSSL's signs itself, and is its own authority.
  return { p256, rsa2048: rsa2048 ?? p256, ca: [authority.cert, rsa2048?.cert ?? ""].join("\n") };
}

export const hasRsa = whereIs("openssl") !== undefined;

function makeRsa(): KeyPair | undefined {
  const openssl = whereIs("openssl");
  if (openssl === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "parley-bench-rsa-"));
  try {
    const config = join(folder, "openssl.cnf");
    writeFileSync(
      config,
      "[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = v3\n[name]\nCN = localhost\n" +
        "[v3]\nsubjectAltName = DNS:localhost, IP:127.0.0.1\nbasicConstraints = critical, CA:TRUE\n",
    );
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", config];
    const ran = spawnSync(openssl, [...args, "-keyout", key, "-out", cert], { encoding: "utf8" });
    if (ran.status !== 0) throw new Error(`openssl could not make a certificate:\n${ran.stderr}`);
    return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
