/** What happens, the latest first; of one kind, if one likes, and holding still while one reads. */
import { clock, el, put, say, words } from "./kit.js";

/**
 * @typedef {import("../../control/control.ts").Occurrence} Occurrence
 * @typedef {import("./state.js").State} State
 */

/** By type: does it deserve attention? @type {Readonly<Record<string, string>>} */
const moods = {
  sessionStarted: "good",
  fault: "warn",
  authRefused: "warn",
  connectionRefused: "warn",
  dialFailed: "warn",
  accountsUnavailable: "bad",
  bug: "bad",
  drain: "note",
  reload: "note",
  certificateReloaded: "note",
};

/** @param {Occurrence} one */
export function eventRow(one) {
  return el(
    "li",
    { class: moods[one.type] ?? "" },
    el("time", { datetime: new Date(one.at).toISOString() }, clock(one.at)),
    el("span", { class: "kind" }, words(one.type)),
    el("span", { class: "text" }, one.text),
  );
}

/** @param {State} state */
export function events(state) {
  let wanted = "";
  let letters = "";
  /** @type {Occurrence[] | undefined} what is shown while it holds still */
  let held;
  const kinds = el(
    "select",
    { id: "event-kind", onchange: () => ((wanted = kinds.value), list()) },
    el("option", { value: "" }, "every kind"),
  );
  const search = el("input", {
    type: "search",
    id: "search",
    placeholder: "Search",
    "aria-label": "Search events",
    oninput: () => ((letters = search.value.toLowerCase()), list()),
  });
  const hold = el(
    "button",
    {
      "aria-pressed": "false",
      onclick: () => {
        held = held === undefined ? [...state.events] : undefined;
        hold.setAttribute("aria-pressed", String(held !== undefined));
        hold.textContent = held === undefined ? "Hold" : "Go on";
        list();
      },
    },
    "Hold",
  );
  const rows = el("ol", { class: "events" });
  const none = el("p", { class: "soft none" });
  const element = el(
    "section",
    {},
    el(
      "div",
      { class: "heading" },
      el("h1", {}, "Events"),
      el("div", { class: "tools" }, search, el("label", { class: "hidden", for: "event-kind" }, "Kind"), kinds, hold),
    ),
    el("div", { class: "card" }, rows, none),
  );

  function list() {
    const all = held ?? state.events;
    for (const type of new Set(state.events.map((one) => one.type))) {
      if (![...kinds.options].some(({ value }) => value === type))
        put(kinds, el("option", { value: type }, words(type)));
    }
    const fitting = all.filter(
      (one) => (wanted === "" || one.type === wanted) && (letters === "" || one.text.toLowerCase().includes(letters)),
    );
    rows.replaceChildren(...fitting.slice(0, 200).map(eventRow));
    none.hidden = fitting.length > 0;
    say(none, all.length > 0 ? "None like that." : "Nothing has happened yet.");
  }
  list();
  return { element, changed: (/** @type {string} */ what) => what === "events" && held === undefined && list() };
}
