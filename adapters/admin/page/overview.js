/** The first thing one sees: is it well, what goes through it, and what has just happened. */
import { Chart, sparkline } from "./chart.js";
import { eventRow } from "./events.js";
import { bytes, el, number, put, rate, say, short } from "./kit.js";

/**
 * @typedef {import("./metrics.js").History} History
 * @typedef {import("./state.js").State} State
 */

const spans = [
  { name: "5 min", span: 300_000 },
  { name: "15 min", span: 900_000 },
  { name: "1 h", span: 3_600_000 },
];

/**
 * One series for each label that has been seen, as long as there are colours that can be told apart.
 *
 * @param {string} prefix
 * @param {readonly number[]} colors  in the order in which they are given out
 * @param {readonly string[]} first  those that always have the same
 */
function labelled(prefix, colors, first = []) {
  /** @type {string[]} in the order in which they got their colours */
  const known = [...first];
  return (/** @type {History} */ history) => {
    for (const name of history.names(prefix)) {
      const label = name.slice(prefix.length);
      if (!known.includes(label) && known.length < colors.length) known.push(label);
    }
    return known
      .map((label, index) => ({ name: label, key: `${prefix}${label}`, color: /** @type {number} */ (colors[index]) }))
      .filter(({ key }) => history.values.has(key));
  };
}

const charts = () => [
  new Chart({
    title: "Traffic",
    about: "Octets of all connections, each second",
    unit: rate,
    kind: "area",
    least: 1000,
    series: () => [
      { name: "in", key: "in", color: 0 },
      { name: "out", key: "out", color: 1 },
    ],
  }),
  new Chart({
    title: "Sessions and connections",
    about: "How many are open",
    unit: number,
    kind: "line",
    least: 4,
    series: () => [
      { name: "sessions", key: "sessions", color: 0 },
      { name: "connections", key: "connections", color: 4 },
    ],
  }),
  new Chart({
    title: "AUTH a minute",
    about: "Requests by outcome: OK, or why it was refused",
    unit: number,
    kind: "stack",
    least: 10,
    series: labelled("auth ", [1, 5, 2, 3, 4, 0], ["OK", "AUTH_CHALLENGED", "AUTH_STALE", "AUTH_WRONG"]),
    none: "No AUTH yet",
  }),
  new Chart({
    title: "Faults a minute",
    about: "What peers did wrong, by code",
    unit: number,
    kind: "stack",
    least: 10,
    series: labelled("fault ", [3, 2, 4, 0, 1, 5]),
    none: "Nobody has done anything wrong",
  }),
  new Chart({
    title: "Event loop delay",
    about: "For how long nothing else could be done",
    unit: short,
    kind: "line",
    least: 0.01,
    series: () => [
      { name: "99 %", key: "p99", color: 2 },
      { name: "median", key: "median", color: 0 },
    ],
  }),
  new Chart({
    title: "Memory",
    about: "Of all processes together",
    unit: bytes,
    kind: "line",
    least: 64e6,
    series: () => [
      { name: "resident", key: "resident", color: 4 },
      { name: "heap", key: "heap", color: 1 },
    ],
  }),
];

/** @typedef {{ title: string, key: string, color: number, value: (history: History) => string, note: (history: History) => string }} Tile */

/** @type {readonly Tile[]} */
const tiles = [
  { title: "Sessions", key: "sessions", color: 0, value: (h) => number(h.last("sessions") ?? 0), note: () => "open" },
  {
    title: "Connections",
    key: "connections",
    color: 4,
    value: (h) => number(h.last("connections") ?? 0),
    note: (h) => ((h.last("held") ?? 0) > 0 ? `${number(h.last("held") ?? 0)} held back` : "none held back"),
  },
  {
    title: "Traffic",
    key: "in",
    color: 1,
    value: (h) => rate(h.last("in") ?? 0),
    note: (h) => ((h.last("queue") ?? 0) > 0 ? `${bytes(h.last("queue") ?? 0)} waiting` : "nothing waiting"),
  },
  { title: "CPU", key: "cpu", color: 2, value: (h) => `${number(h.last("cpu") ?? 0)} %`, note: () => "of one core" },
  {
    title: "Event loop",
    key: "p99",
    color: 2,
    value: (h) => short(h.last("p99") ?? 0),
    note: () => "99 % of its delays are shorter",
  },
  {
    title: "Memory",
    key: "resident",
    color: 4,
    value: (h) => bytes(h.last("resident") ?? 0),
    note: (h) => `${bytes(h.last("heap") ?? 0)} of it heap`,
  },
];

/** @param {State} state */
export function overview(state) {
  const all = charts();
  let span = 300_000;
  const shown = tiles.map((tile) => ({
    tile,
    value: el("b", { class: "value" }),
    note: el("span", { class: "soft" }),
    spark: el("div"),
  }));
  const choice = el(
    "div",
    { class: "choice", role: "group", "aria-label": "Time shown" },
    spans.map(({ name, span: wanted }) =>
      el(
        "button",
        {
          "aria-pressed": String(wanted === span),
          onclick: (event) => {
            span = wanted;
            for (const button of choice.children) button.setAttribute("aria-pressed", String(button === event.target));
            draw();
          },
        },
        name,
      ),
    ),
  );
  const recent = el("ol", { class: "events short" });
  const none = el("p", { class: "soft none" }, "Nothing has happened yet.");
  const element = el(
    "div",
    { class: "overview" },
    el("div", { class: "heading" }, el("h1", {}, "Overview"), choice),
    el(
      "div",
      { class: "tiles" },
      shown.map(({ note, spark, tile, value }) =>
        el("div", { class: "card tile" }, el("h2", {}, tile.title), value, note, spark),
      ),
    ),
    el(
      "div",
      { class: "charts" },
      all.map((chart) => chart.element),
    ),
    el(
      "section",
      { class: "card recent" },
      el(
        "div",
        { class: "heading" },
        el("h2", {}, "What has just happened"),
        el("a", { href: "#events" }, "All events"),
      ),
      recent,
      none,
    ),
  );

  function draw() {
    const { history } = state;
    if (history.times.length === 0) return;
    for (const { note, spark, tile, value } of shown) {
      say(value, tile.value(history));
      say(note, tile.note(history));
      spark.replaceChildren(sparkline(history, tile.key, tile.color, span));
    }
    for (const chart of all) chart.draw(history, span);
  }
  function list() {
    recent.replaceChildren();
    put(recent, state.events.slice(0, 8).map(eventRow));
    none.hidden = state.events.length > 0;
  }
  draw();
  list();
  return {
    element,
    changed: (/** @type {string} */ what) => (what === "events" ? list() : what === "metrics" && draw()),
  };
}
