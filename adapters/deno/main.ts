/** parley on Deno. */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { processTerminal } from "../cli/process-terminal.ts";
import { runProgram } from "../cli/program.ts";
import { deno } from "./runtime.ts";

/** A program can hand on all permissions or none: which of them were given in part nobody tells it. */
const whole = (["run", "net", "read", "write", "env", "sys"] as const).every(
  (name) => Deno.permissions.querySync({ name }).state === "granted",
);
const terminal = processTerminal(Deno.build.standalone, whole ? ["run", "-A"] : null);
// As on Node: the young generation stays at its first size.
setFlagsFromString("--semi-space-growth-factor=1");

process.exitCode = await runProgram(deno, process.argv.slice(2), terminal);
