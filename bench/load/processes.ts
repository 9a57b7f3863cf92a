/** What the kernel says of other processes: CPU time, memory, children. Linux only; elsewhere all of it is zero. */
import { readdirSync, readFileSync } from "node:fs";

/** Of `utime` and `stime`; it has been 100 on every Linux there is. */
const TICKS_PER_SECOND = 100;

/** User and system time so far, in seconds, of all these processes. */
export function cpuSeconds(pids: readonly number[]): Cpu {
  let user = 0;
  let system = 0;
  for (const pid of pids) {
    const fields = statFields(pid);
    user += Number(fields[11] ?? 0);
    system += Number(fields[12] ?? 0);
  }
  return { user: user / TICKS_PER_SECOND, system: system / TICKS_PER_SECOND };
}

export interface Cpu {
  readonly user: number;
  readonly system: number;
}

/** The same in nanoseconds, of their threads that still live: for what is too short to be counted in ticks. */
export function nanosecondsOnCpu(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      sum += Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0]);
    }
  }
  return sum;
}

/** Memory in octets. What processes share is divided among them, so that the sum counts it once. */
export function memoryOctets(pids: readonly number[]): number {
  let kilobytes = 0;
  for (const pid of pids) {
    const text = read(`/proc/${pid}/smaps_rollup`);
    kilobytes += Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
  }
  return kilobytes * 1024;
}

/** A process and all that descend from it. */
export function family(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statFields(Number(name))[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [pid];
  for (let i = 0; i < found.length; i++) found.push(...(children.get(found[i] as number) ?? []));
  return found;
}

/** The fields of /proc/PID/stat behind the name, which may hold spaces; the first of them is the state. */
function statFields(pid: number): string[] {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return ""; // it has ended
  }
}
