/** parley on Bun. */
import process from "node:process";
import { processTerminal } from "../cli/process-terminal.ts";
import { runProgram } from "../cli/program.ts";
import { bun } from "./runtime.ts";

process.exitCode = await runProgram(bun, process.argv.slice(2), processTerminal(Bun.isStandaloneExecutable));
