/**
 * A list of the API as a table: searched, sorted and paged there, and asked for again every few seconds without moving
 * under one's hands.
 */
import { get } from "./api.js";
import { el, put, say } from "./kit.js";

const EVERY_MS = 3000;
const LIMIT = 50;

/**
 * @template T
 * @typedef {object} Column
 * @property {string} title
 * @property {(item: T) => import("./kit.js").Child | readonly import("./kit.js").Child[]} cell
 * @property {string} [sort]  the API's word for it
 * @property {boolean} [number]
 */

/**
 * @template {{ readonly id: string }} T
 * @typedef {object} TableOptions
 * @property {string} title
 * @property {string} path
 * @property {string} search  which parameter the search box is, and what it says in it
 * @property {string} placeholder
 * @property {string} sort
 * @property {string} none
 * @property {readonly Column<T>[]} columns
 * @property {(item: T) => void} [open]
 * @property {(items: readonly T[]) => void} [read]  sees each answer first
 */

/**
 * @template {{ readonly id: string }} T
 * @param {TableOptions<T>} options
 */
export function table(options) {
  let sort = options.sort;
  let letters = "";
  /** @type {(string | undefined)[]} the cursors of this page and of those before it */
  let pages = [undefined];
  /** @type {string | null} */
  let next = null;
  let asked = 0;

  const search = el("input", {
    type: "search",
    id: "search",
    placeholder: options.placeholder,
    "aria-label": options.placeholder,
    oninput: () => {
      letters = search.value.trim();
      pages = [undefined];
      void refresh();
    },
  });
  const heads = options.columns.map((column) => {
    if (column.sort === undefined)
      return el("th", { scope: "col", class: column.number ? "number" : "" }, column.title);
    const button = el(
      "button",
      { class: "sort", onclick: () => order(/** @type {string} */ (column.sort)) },
      column.title,
    );
    return el("th", { scope: "col", class: column.number ? "number" : "", "data-sort": column.sort }, button);
  });
  const body = el("tbody");
  const note = el("p", { class: "soft none" }, "Asking…");
  const back = el("button", { onclick: () => turn(-1) }, "Back");
  const on = el("button", { onclick: () => turn(1) }, "More");
  const where = el("span", { class: "soft" });
  const element = el(
    "section",
    {},
    el("div", { class: "heading" }, el("h1", {}, options.title), el("div", { class: "tools" }, search)),
    el(
      "div",
      { class: "card list" },
      el(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": options.title },
        el("table", {}, el("thead", {}, el("tr", {}, heads)), body),
      ),
      note,
    ),
    el("div", { class: "pages" }, back, where, on),
  );

  /** @param {string} by */
  function order(by) {
    sort = sort === `-${by}` ? by : `-${by}`;
    pages = [undefined];
    void refresh();
  }

  /** @param {number} step */
  function turn(step) {
    if (step > 0 && next !== null) pages.push(next);
    else if (step < 0 && pages.length > 1) pages.pop();
    void refresh();
  }

  async function refresh() {
    const mine = ++asked;
    for (const head of heads) {
      const by = head.dataset.sort;
      if (by !== undefined)
        head.setAttribute("aria-sort", sort === by ? "ascending" : sort === `-${by}` ? "descending" : "none");
    }
    try {
      const query = { [options.search]: letters, sort, cursor: pages.at(-1), limit: LIMIT };
      const answer = await /** @type {Promise<{ items: T[], next: string | null }>} */ (get(options.path, query));
      if (mine !== asked) return; // another question was asked meanwhile
      next = answer.next;
      options.read?.(answer.items);
      show(answer.items);
    } catch (error) {
      if (mine === asked) say(note, error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {readonly T[]} items */
  function show(items) {
    /** @type {Map<string, HTMLTableRowElement>} */
    const old = new Map([...body.rows].map((row) => [row.dataset.id ?? "", row]));
    const focused = document.activeElement;
    const rows = items.map((item) => fill(old.get(item.id) ?? newRow(item), item));
    // Rows that are where they were stay there, and so does the focus.
    for (const [index, row] of rows.entries())
      if (body.rows[index] !== row) body.insertBefore(row, body.rows[index] ?? null);
    while (body.rows.length > rows.length) body.deleteRow(-1);
    if (focused instanceof HTMLElement && focused.isConnected && document.activeElement !== focused) focused.focus();
    note.hidden = items.length > 0;
    say(note, letters === "" ? options.none : "Nothing like that.");
    back.disabled = pages.length === 1;
    on.disabled = next === null;
    say(where, pages.length === 1 && next === null ? "" : `page ${pages.length}`);
    back.hidden = on.hidden = pages.length === 1 && next === null;
  }

  /** @param {T} item */
  function newRow(item) {
    const row = el("tr", { "data-id": item.id });
    for (const { number, title } of options.columns)
      row.append(el("td", { "data-title": title, class: number ? "number" : "" }));
    const { open } = options;
    if (open !== undefined) {
      row.classList.add("opens");
      row.tabIndex = 0;
      row.addEventListener("click", (event) => {
        if (!(event.target instanceof Element && event.target.closest("button"))) open(item);
      });
      row.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.target !== row) return;
        event.preventDefault(); // or the key would press the button that has the focus by then
        open(item);
      });
    }
    return row;
  }

  /** @param {HTMLTableRowElement} row @param {T} item */
  function fill(row, item) {
    for (const [index, { cell }] of options.columns.entries()) {
      const place = /** @type {HTMLTableCellElement} */ (row.cells[index]);
      const content = [cell(item)].flat();
      const text = content.map((child) => (child instanceof Node ? child.textContent : child)).join("");
      // What says the same stays, so that a button is not taken from under a finger.
      if (place.textContent === text && place.hasChildNodes()) continue;
      place.replaceChildren();
      put(place, content);
    }
    return row;
  }

  void refresh();
  const timer = setInterval(() => {
    if (!document.hidden) void refresh();
  }, EVERY_MS);
  return { element, refresh, changed: () => {}, leave: () => clearInterval(timer) };
}
