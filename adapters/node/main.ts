/** parley on Node. */
import process from "node:process";
import { isSea } from "node:sea";
import { processTerminal } from "../cli/process-terminal.ts";
import { runProgram } from "../cli/program.ts";
import { node } from "./runtime.ts";

process.exitCode = await runProgram(node, process.argv.slice(2), processTerminal(isSea()));
