/** parley on Deno. */
import process from "node:process";
import { processTerminal } from "../cli/process-terminal.ts";
import { runProgram } from "../cli/program.ts";
import { deno } from "./runtime.ts";

process.exitCode = await runProgram(deno, process.argv.slice(2), processTerminal(Deno.build.standalone));
