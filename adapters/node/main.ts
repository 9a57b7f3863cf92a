/** parley on Node. */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { isSea } from "node:sea";
import { processTerminal } from "../cli/process-terminal.ts";
import { runProgram } from "../cli/program.ts";
import { node } from "./runtime.ts";

/**
 * V8 would let its young generation grow to 48 MB, of which a relay has no use: what a message needs is over when it has
 * been passed on, and what a session holds grows old anyhow.
 */
setFlagsFromString("--semi-space-growth-factor=1");

process.exitCode = await runProgram(node, process.argv.slice(2), processTerminal(isSea()));
