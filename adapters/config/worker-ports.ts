/**
 * The ports that workers listen on besides the one they share: each has its own, on every listener, and the URIs it hands
 * out name that one. So whoever connects to such a URI reaches the worker that knows it.
 */
import type { Complaints } from "./complaints.ts";
import type { Path } from "./locate.ts";
import { parseListenUrl } from "./addresses.ts";
import type { Written } from "./schema.ts";
import type { AdminSettings } from "./settings.ts";

type WrittenListener = Written["listeners"][number];

/** Behind the shared one, unless said otherwise; 0 lets the system choose. */
export function firstWorkerPort({ workerPorts }: Pick<WrittenListener, "workerPorts">, port: number): number {
  return workerPorts ?? (port === 0 ? 0 : port + 1);
}

/** What somebody listens on, and how the configuration calls it. */
interface Taken {
  readonly host: string;
  readonly first: number;
  readonly last: number;
  readonly by: string;
}

/** Every worker needs a free port on every listener: this says so before half of them have started. */
export function checkWorkerPorts(
  { listeners }: Written,
  workers: number,
  admin: AdminSettings | undefined,
  complaints: Complaints,
): void {
  const taken: Taken[] = [];
  const own: (Taken & { readonly path: Path })[] = [];
  if (admin !== undefined && admin.port !== 0) {
    taken.push({ host: admin.host, first: admin.port, last: admin.port, by: "admin.url" });
  }
  for (const [index, listener] of listeners.entries()) {
    const { host, port } = parseListenUrl(listener.url) ?? { host: "", port: 0 };
    if (port !== 0) taken.push({ host, first: port, last: port, by: `listener ${listener.name}` });
    const first = firstWorkerPort(listener, port);
    if (first === 0) continue;
    const path = ["listeners", index, listener.workerPorts === undefined ? "url" : "workerPorts"];
    const range = { host, first, last: first + workers - 1, by: `the workers of listener ${listener.name}`, path };
    if (range.last > 65_535) complaints.error(path, `${workers} workers need ports ${first} to ${range.last}`);
    else own.push(range);
  }
  for (const [index, range] of own.entries()) {
    const other = [...taken, ...own.slice(0, index)].find((at) => collide(at, range));
    if (other === undefined) continue;
    const ports = `its ${workers} workers need ports ${range.first} to ${range.last} for themselves`;
    complaints.error(range.path, `${ports}, and ${other.by} has one of them: say workerPorts: FIRST`);
  }
}

function collide(one: Taken, other: Taken): boolean {
  const same = one.host === other.host || [one.host, other.host].some((host) => host === "0.0.0.0" || host === "::");
  return same && one.first <= other.last && other.first <= one.last;
}
