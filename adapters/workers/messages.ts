/** What the supervisor and its workers say to each other: plain data, one JSON line each. */
import type { Hop } from "../../core/mod.ts";
import type { Written } from "../config/schema.ts";
import type { Control, Occurrence, TracedFrame } from "../control/control.ts";
import type { Way } from "../shared/runtime.ts";
import type { Place } from "./plan.ts";

/** What the supervisor runs. It has read it once: the file may say something else by now. */
export interface Configuration {
  readonly written: Written;
  /** The text that problems are about. */
  readonly source: string;
  /** What relative paths start from. */
  readonly folder: string;
}

export type ToWorker =
  /** The first line. */
  | { readonly type: "start"; readonly configuration: Configuration; readonly place: Place }
  | { readonly type: "siblings"; readonly siblings: readonly Sibling[] }
  | { readonly type: "ask"; readonly id: number; readonly method: Method; readonly args: readonly unknown[] }
  /** The answer to a question that goes on (`trace`) is not wanted any more. */
  | { readonly type: "enough"; readonly id: number }
  | { readonly type: "stop"; readonly patience: number };

export type ToSupervisor =
  | { readonly type: "listening"; readonly doors: readonly Door[]; readonly dialing: readonly Dialing[] }
  /** It could not start, with words for the operator. */
  | { readonly type: "failed"; readonly text: string }
  /** Its drain has come to its end. */
  | { readonly type: "drained" }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "refused"; readonly id: number; readonly name: string; readonly text: string }
  | { readonly type: "frame"; readonly id: number; readonly frame: TracedFrame }
  | { readonly type: "occurred"; readonly occurrence: Occurrence };

/** What a worker is asked: all of Control but what goes on by itself, and to take another configuration over. */
export type Method = Exclude<keyof Control, "events" | "reload"> | "apply";

/** A listener of a worker: the port that all share and its own. */
export interface Door {
  readonly name: string;
  readonly url: string;
  readonly via: Way;
  readonly shared: number;
  readonly own: number;
  /** What the URIs name that it hands out. */
  readonly advertised: Hop;
}

export interface Dialing {
  readonly scheme: "msrp" | "msrps";
  readonly via: Way;
}

/** Where a worker is reached, by listener. */
export interface Sibling {
  readonly number: number;
  readonly doors: readonly Pick<Door, "advertised" | "own">[];
}
