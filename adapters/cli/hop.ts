/** MSRP URIs as people give them on the command line. */
import { type Hop, parseUri } from "../../core/mod.ts";
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
  const uri = parseUri(text);
  if (uri === undefined) throw new UsageError(`${typed} is no MSRP URI such as 'msrps://relay.example.com:2855;tcp'`);
  return { text, hop: { secure: uri.secure, host: uri.host, port: uri.port } };
}
