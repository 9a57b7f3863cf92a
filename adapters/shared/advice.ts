/** What to do when listening or connecting failed: the words are the same on every runtime. */
import { authority } from "./address.ts";

/** An Error for the operator, out of one with a code of the system. */
export function cannotListen(host: string, port: number, error: unknown): Error {
  const why = toListen[codeOf(error)] ?? messageOf(error);
  return new Error(`cannot listen on ${authority(host, port)}: ${why}`, { cause: error });
}

/** What became of a connection to `where`. */
export function cannotConnect(where: string, error: unknown): string {
  return `${where} ${toConnect[codeOf(error)] ?? `failed: ${messageOf(error)}`}`;
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const toListen: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program has it; stop that one or choose another port",
  EACCES: "not permitted; ports below 1024 need a privilege",
  EADDRNOTAVAIL: "no interface of this machine has that address",
  ENOTFOUND: "there is no such host; write an address",
};

const toConnect: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused the connection: nothing listens on that port",
  ECONNRESET: "reset the connection",
  EHOSTUNREACH: "cannot be reached from here: no route",
  ENETUNREACH: "cannot be reached from here: no route",
  EADDRNOTAVAIL: "cannot be dialled: no interface of this machine has the address it should leave by (outgoing.from)",
};
