/**
 * Adds up what vitest counted: `node .ci/sum.ts NAME=report.json …`.
 *
 * Prints one line for each report, every skipped test and every failure by its name, and last `N passed, N failed`.
 * A file that could not even be loaded has no tests to count, so it counts as one failure, and so does a test that was
 * skipped without giving its reason in its name: `… (skipped: why)`. Exits 1 when anything failed or a report is
 * missing: a runner that died before it wrote one has not passed.
 */
import { readFileSync } from "node:fs";

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string }[];
  }[];
}

let passed = 0;
let failed = 0;
const failures: string[] = [];
const skips: string[] = [];
for (const argument of process.argv.slice(2)) {
  const [name = "", path = ""] = argument.split("=", 2);
  const report = readReport(path);
  if (report === undefined) {
    failed += 1;
    failures.push(`${name}: no report; the runner died`);
    continue;
  }
  const unloaded = report.testResults.filter((file) => file.status === "failed" && !hasFailure(file));
  for (const file of unloaded) failures.push(`${name}: ${file.name} could not be loaded: ${file.message}`);
  const before = failures.length;
  for (const file of report.testResults) {
    for (const { fullName, status } of file.assertionResults) {
      if (status === "failed") failures.push(`${name}: ${file.name}: ${fullName}`);
      else if (status !== "passed" && /\(skipped: ./.test(fullName)) skips.push(`${name}: ${fullName}`);
      else if (status !== "passed")
        failures.push(`${name}: ${file.name}: ${fullName}: ${status}, and does not say why`);
    }
  }
  passed += report.numPassedTests;
  failed += unloaded.length + failures.length - before;
  const skipped = report.numPendingTests + report.numTodoTests;
  console.log(`${name}: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`);
}
for (const skip of skips) console.log(`SKIPPED ${skip}`);
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function hasFailure(file: Report["testResults"][number]): boolean {
  return file.assertionResults.some((test) => test.status === "failed");
}

function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch {
    return undefined;
  }
}
