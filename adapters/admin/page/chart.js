/**
 * Charts that move: an SVG a chart, drawn anew with each reading and slid along in between.
 *
 * The plot is stretched to its box, so lines keep their width by `vector-effect` and every word is HTML outside of it.
 */
import { calm, clock, duration, el, put, say } from "./kit.js";

/**
 * @typedef {import("./metrics.js").History} History
 * @typedef {{ readonly name: string, readonly key: string, readonly color: number }} Series
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {string} about  what one sees, for those who point at it
 * @property {(value: number) => string} unit
 * @property {(history: History) => Series[]} series
 * @property {"area" | "line" | "stack"} kind
 * @property {number} [least]  the scale reaches at least so far
 * @property {string} [none]  what to say when there is no series yet
 */

const WIDTH = 1000;
const HEIGHT = 200;

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

export class Chart {
  /** @param {ChartOptions} options */
  constructor(options) {
    this.options = options;
    this.lines = svg("g", {});
    this.grid = svg("g", { class: "grid" });
    this.plot = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    put(this.plot, this.grid, this.lines);
    this.scale = el("div", { class: "scale", "aria-hidden": "true" });
    this.cursor = el("div", { class: "cursor", hidden: true });
    this.tip = el("div", { class: "tip", hidden: true });
    this.legend = el("ul", { class: "legend" });
    this.empty = el("p", { class: "none soft", hidden: true }, options.none ?? "");
    this.box = el(
      "div",
      {
        class: "plot",
        onpointermove: (event) => this.point(/** @type {PointerEvent} */ (event)),
        onpointerleave: () => this.unpoint(),
      },
      this.plot,
      this.scale,
      this.cursor,
      this.tip,
      this.empty,
    );
    this.ends = el("div", { class: "ends soft", "aria-hidden": "true" }, el("span"), el("span", {}, "now"));
    this.element = el(
      "figure",
      { class: "card chart" },
      el("figcaption", {}, el("h2", { title: options.about }, options.title), this.legend),
      this.box,
      this.ends,
    );
    /** @type {{ history: History, span: number, series: Series[], top: number, end: number } | undefined} */
    this.drawn = undefined;
    /** @type {number | undefined} */
    this.pointed = undefined;
  }

  /**
   * @param {History} history
   * @param {number} most  milliseconds from the left to the right, once so many are known
   */
  draw(history, most) {
    const span = spanOf(history, most);
    const { kind, least = 0, series: seriesOf, unit } = this.options;
    const series = seriesOf(history);
    const end = history.times.at(-1) ?? Date.now();
    const step = end - (history.times.at(-2) ?? end);
    // One reading more than is seen, since the lines slide in from the right.
    const from = Math.max(0, history.times.findIndex((at) => at >= end - span - 2 * step) - 1);
    const stacks = heights(history, series, from, kind === "stack");
    const top = nice(Math.max(least, ...stacks.flat().map((value) => value ?? 0)));
    const x = (/** @type {number} */ i) => WIDTH * (1 - (end - /** @type {number} */ (history.times[i])) / span);
    const y = (/** @type {number} */ value) => HEIGHT - (value / top) * (HEIGHT - 8);
    this.lines.replaceChildren();
    for (const [index, { color }] of [...series.entries()].reverse()) {
      const values = /** @type {(number | undefined)[]} */ (stacks[index]);
      const line = path(values, from, x, y);
      if (line === "") continue;
      if (kind !== "line") {
        const first = values.findIndex((value) => value !== undefined);
        const ground = `${line}L${x(from + values.length - 1)} ${HEIGHT}L${x(from + first)} ${HEIGHT}Z`;
        put(this.lines, svg("path", { d: ground, class: `fill c${color}` }));
      }
      put(this.lines, svg("path", { d: line, class: `line c${color}` }));
    }
    this.drawScale(top);
    this.drawLegend(history, series);
    this.empty.hidden = series.length > 0;
    say(/** @type {Element} */ (this.ends.firstElementChild), `${duration(span).replace(" 0 s", "")} ago`);
    this.drawn = { history, span, series, top, end };
    if (this.pointed !== undefined) this.show(this.pointed);
    if (step > 0 && step < 10_000 && !calm()) this.slide((WIDTH * step) / span, step);
    const now = series.map(({ key, name }) => `${name} ${unit(history.last(key) ?? 0)}`).join(", ");
    this.plot.setAttribute("aria-label", `${this.options.title}: ${now}`);
    this.plot.setAttribute("role", "img");
    this.plot.removeAttribute("aria-hidden");
  }

  /** @param {number} distance @param {number} time */
  slide(distance, time) {
    const frames = [{ transform: `translateX(${distance}px)` }, { transform: "translateX(0)" }];
    for (const running of this.lines.getAnimations()) running.cancel();
    this.lines.animate(frames, { duration: time, easing: "linear" });
  }

  /** @param {number} top */
  drawScale(top) {
    if (this.scale.dataset.top === String(top)) return;
    this.scale.dataset.top = String(top);
    this.grid.replaceChildren();
    this.scale.replaceChildren();
    for (const share of [0, 0.5, 1]) {
      const y = HEIGHT - share * (HEIGHT - 8);
      put(this.grid, svg("line", { x1: 0, x2: WIDTH, y1: y, y2: y }));
      const label = el("span", {}, this.options.unit(top * share));
      label.style.top = `${(100 * y) / HEIGHT}%`;
      if (share > 0) put(this.scale, label);
    }
  }

  /** @param {History} history @param {Series[]} series */
  drawLegend(history, series) {
    const names = series.map(({ key }) => key).join(" ");
    if (this.legend.dataset.names !== names) {
      this.legend.dataset.names = names;
      this.legend.replaceChildren(
        ...series.map(({ color, name }) => el("li", {}, el("i", { class: `key c${color}` }), `${name} `, el("b"))),
      );
    }
    for (const [index, { key }] of series.entries()) {
      const value = history.last(key);
      const place = this.legend.children[index]?.querySelector("b");
      if (place) say(place, value === undefined ? "" : this.options.unit(value));
    }
  }

  /** @param {PointerEvent} event */
  point(event) {
    const { left, width } = this.box.getBoundingClientRect();
    this.pointed = Math.min(1, Math.max(0, (event.clientX - left) / width));
    this.show(this.pointed);
  }

  unpoint() {
    this.pointed = undefined;
    this.cursor.hidden = this.tip.hidden = true;
  }

  /** @param {number} share  from the left */
  show(share) {
    if (this.drawn === undefined) return;
    const { end, history, series, span } = this.drawn;
    const wanted = end - span * (1 - share);
    let nearest = -1;
    for (const [i, at] of history.times.entries()) {
      if (nearest < 0 || Math.abs(at - wanted) < Math.abs(/** @type {number} */ (history.times[nearest]) - wanted))
        nearest = i;
    }
    const at = history.times[nearest];
    if (at === undefined || at < end - span) return this.unpoint();
    const place = 1 - (end - at) / span;
    this.cursor.hidden = this.tip.hidden = false;
    this.cursor.style.left = `${100 * place}%`;
    this.tip.style.left = `${100 * place}%`;
    this.tip.classList.toggle("flip", place > 0.6);
    const rows = series.map(({ color, key, name }) => {
      const value = history.values.get(key)?.[nearest];
      return el(
        "tr",
        {},
        el("td", {}, el("i", { class: `key c${color}` }), name),
        el("td", {}, value === undefined ? "–" : this.options.unit(value)),
      );
    });
    this.tip.replaceChildren(el("table", {}, el("caption", {}, clock(at)), el("tbody", {}, rows)));
  }
}

/**
 * By series the values to draw, from the reading `from` on; of a stack each on top of those before it.
 *
 * @param {History} history
 * @param {Series[]} series
 * @param {number} from
 * @param {boolean} stacked
 */
function heights(history, series, from, stacked) {
  const sums = Array.from({ length: history.times.length - from }, () => 0);
  return series.map(({ key }) => {
    const values = (history.values.get(key) ?? []).slice(from);
    if (!stacked) return values;
    return sums.map((sum, i) => (sums[i] = sum + (values[i] ?? 0)));
  });
}

/**
 * @param {(number | undefined)[]} values
 * @param {number} from
 * @param {(i: number) => number} x
 * @param {(value: number) => number} y
 */
function path(values, from, x, y) {
  let text = "";
  let pen = false;
  for (const [i, value] of values.entries()) {
    if (value === undefined) continue; // what was not observed leaves no hole
    text += `${pen ? "L" : "M"}${x(from + i).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = true;
  }
  return text;
}

/** The next of 1, 1.5, 2, 3, 4, 6, 8, 10, 15 … @param {number} value */
export function nice(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

/** Charts fill soon, and move on when they are full: a minute at least, and no more than was asked for. */
const LEAST_SPAN = 60_000;

/** @param {History} history @param {number} most */
function spanOf({ times }, most) {
  const age = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return Math.min(most, Math.max(LEAST_SPAN, age));
}

/**
 * A line without anything around it.
 *
 * @param {History} history
 * @param {string} key
 * @param {number} color
 * @param {number} most
 */
export function sparkline(history, key, color, most) {
  const span = spanOf(history, most);
  const end = history.times.at(-1) ?? 0;
  const from = Math.max(
    0,
    history.times.findIndex((at) => at >= end - span),
  );
  const values = (history.values.get(key) ?? []).slice(from);
  const known = values.filter((value) => value !== undefined);
  const top = Math.max(...known, 1e-9) * 1.1;
  const plot = svg("svg", {
    viewBox: "0 0 100 28",
    preserveAspectRatio: "none",
    class: "spark",
    "aria-hidden": "true",
  });
  const x = (/** @type {number} */ i) => 100 * (1 - (end - /** @type {number} */ (history.times[i])) / span);
  const line = path(values, from, x, (value) => 27 - (value / top) * 25);
  if (line !== "") put(plot, svg("path", { d: line, class: `line c${color}` }));
  return plot;
}
