/** A bar chart of a report: for each scenario the first figure of every subject, each scenario on a scale of its own. */
import { type Report, short } from "./report.ts";

const WIDTH = 860;
const BAR = 16;
const GAP = 26;
const LEFT = 130;
const RIGHT = 170;
const colours = ["#2f6f4f", "#b5651d", "#3a5a98", "#8a3b5c", "#777777", "#444444"];

export function chart({ results, commit, machine, date }: Report): string {
  const subjects = [...new Set(results.map(({ subject }) => subject))];
  const parts: string[] = [];
  let y = 44;
  for (const scenario of new Set(results.map((result) => result.scenario))) {
    const rows = results.filter((result) => result.scenario === scenario);
    const [name = ""] = Object.keys(rows[0]?.figures ?? {});
    const most = Math.max(...rows.map(({ figures }) => figures[name]?.max ?? 0), Number.MIN_VALUE);
    const x = (value: number) => (Math.max(0, value) / most) * (WIDTH - LEFT - RIGHT);
    parts.push(words(8, y, `${scenario}: ${name}`, "bold"));
    y += 8;
    for (const { subject, figures } of rows) {
      const spread = figures[name];
      const colour = colours[subjects.indexOf(subject) % colours.length];
      parts.push(words(16, y + 12, subject));
      if (spread !== undefined) {
        const { median, min, max } = spread;
        parts.push(`<rect x="${LEFT}" y="${y}" width="${x(median).toFixed(1)}" height="${BAR - 3}" fill="${colour}"/>`);
        const middle = y + (BAR - 3) / 2;
        const [from, to] = [LEFT + x(min), LEFT + x(max)].map((end) => end.toFixed(1));
        parts.push(`<path d="M${from} ${middle}H${to}" stroke="black" stroke-width="1.5"/>`);
        parts.push(words(LEFT + x(max) + 6, y + 12, short(median)));
      }
      y += BAR;
    }
    y += GAP;
  }
  const title = `parley ${commit}, ${date.slice(0, 10)}, ${machine.processor}, ${machine.cores} cores; medians, lines from min to max`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${y}" fill="white"/>`,
    words(8, 18, title),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function words(x: number, y: number, text: string, weight = "normal"): string {
  const safe = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(0)}" y="${y}" font-weight="${weight}">${safe}</text>`;
}
