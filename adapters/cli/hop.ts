/** MSRP URIs as people give them on the command line. */
import { isIP } from "node:net";
import type { Hop } from "../../core/mod.ts";
import { UsageError } from "./terminal.ts";

export interface GivenUri {
  /** As it goes on the wire. */
  readonly text: string;
  readonly hop: Hop;
}

/**
 * A URI, and where it leads. `;tcp` may be left out, since a shell takes a bare semicolon for its own.
 *
 * @throws UsageError
 */
export function givenUri(typed: string): GivenUri {
  const text = typed.includes(";") ? typed : `${typed.replace(/\/$/, "")};tcp`;
  const shape =
    /^(msrps?):\/\/(?:[\w\-.~!$&'()*+,=:%]*@)?(?:\[([0-9a-f:.]+)\]|([\w\-.]+))(?::(\d{1,5}))?(?:\/[\w\-.~+=/]+)?;\w+(?:;[\w\-.]+(?:=[\w\-.]+)?)*$/i;
  const [, scheme = "", bracketed, plain, digits] = shape.exec(text) ?? [];
  const host = (bracketed ?? plain ?? "").toLowerCase();
  const port = Number(digits ?? 0);
  const valid = host !== "" && (bracketed === undefined || isIP(host) === 6) && port <= 65_535 && digits !== "0";
  if (!valid) throw new UsageError(`${typed} is no MSRP URI such as 'msrps://relay.example.com:2855;tcp'`);
  return { text, hop: { secure: scheme.toLowerCase() === "msrps", host, port } };
}
