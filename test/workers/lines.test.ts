import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { Lines } from "../../adapters/workers/lines.ts";

function ends() {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const heard: unknown[] = [];
  let ended = 0;
  const lines = new Lines<unknown, unknown>(
    input,
    output,
    (message) => heard.push(message),
    () => ended++,
  );
  return { input, output, lines, heard, ended: () => ended };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a message arrives whole, however the pipe cuts it", async () => {
  const { input, heard } = ends();
  const text = `${JSON.stringify({ text: "grüße\nto all" })}\n{"n":2}\n{"n":`;
  for (const octet of Buffer.from(text)) input.write(Buffer.of(octet));
  await turn();
  expect(heard).toEqual([{ text: "grüße\nto all" }, { n: 2 }]);
  input.write("3}\n");
  await turn();
  expect(heard[2]).toEqual({ n: 3 });
});

test("what is no JSON ends it, once, and nothing after that is heard", async () => {
  const { input, heard, ended } = ends();
  input.write('{"n":1}\nnonsense\n{"n":2}\n');
  await turn();
  input.end();
  await turn();
  expect([heard, ended()]).toEqual([[{ n: 1 }], 1]);
});

test("the other end's end is told", async () => {
  const { input, ended } = ends();
  input.end();
  await turn();
  expect(ended()).toBe(1);
});

test("nothing is sent to one who has stopped reading, beyond what may wait", () => {
  const { lines, output } = ends();
  const large = "x".repeat(8 << 20);
  const sent = Array.from({ length: 12 }, () => lines.send(large));
  expect(sent.indexOf(false)).toBeGreaterThan(6);
  expect(sent.at(-1)).toBe(false);
  expect(output.writableLength).toBeLessThan(80 << 20);
});
