/**
 * Puts the page's files into `page-files.ts`: `npm run page`, after a change to any of them.
 *
 * What serves the page must be inside of whatever one file parley is built into, and nothing is built before
 * `npm start`. So the texts are in the repository twice; a test finds out when they differ.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const folder = new URL("./", import.meta.url);
const target = new URL("../page-files.ts", import.meta.url);
const served = /\.(?:html|css|js|svg)$/;

/** The text of `page-files.ts`. */
export function embedded(): string {
  const names = readdirSync(folder).filter((name) => served.test(name));
  const entries = names.sort().map((name) => {
    const lines = readFileSync(new URL(name, folder), "utf8").trimEnd().split("\n");
    return `  ${JSON.stringify(name)}: [\n${lines.map((line) => `    ${quoted(line)},\n`).join("")}  ],\n`;
  });
  return `/** The files of \`page/\`, line by line: made by \`npm run page\`, and changed there. */
export const pageFiles: Readonly<Record<string, readonly string[]>> = {
${entries.join("")}};
`;
}

/** With the quotes that need fewer backslashes, as the formatter wants it. */
function quoted(line: string): string {
  const fewer = line.split("'").length < line.split('"').length;
  return fewer ? `'${line.replace(/[\\']/g, "\\$&")}'` : JSON.stringify(line);
}

if (import.meta.main) writeFileSync(target, embedded());
