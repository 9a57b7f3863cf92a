/** Why does this session not go through my relay? */
import { get } from "./api.js";
import { clock, el, put } from "./kit.js";

/** @typedef {import("../../control/control.ts").Explanation} Explanation */
/** @typedef {{ text: string, advice?: string, items: Explanation[] }} Explained */

export function explain() {
  const who = el("input", {
    id: "search",
    required: true,
    placeholder: "alice@example.com or 192.0.2.1",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
  });
  const answer = el("div", { class: "answer", "aria-live": "polite" });
  const form = el(
    "form",
    {
      class: "ask",
      onsubmit: (event) => {
        event.preventDefault();
        void ask(who.value.trim());
      },
    },
    el("label", { for: "search" }, "User or address"),
    el("div", { class: "tools" }, who, el("button", { class: "primary" }, "Explain")),
  );
  const element = el(
    "section",
    { class: "explain" },
    el("h1", {}, "Why does it not work?"),
    el(
      "p",
      { class: "soft" },
      "Say who cannot get through, and read what became of the last attempts and what to do about it.",
    ),
    form,
    answer,
  );

  /** @param {string} subject */
  async function ask(subject) {
    // An address has colons or is of digits and dots alone; a user has neither.
    const address = /^[\d.]+$|^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(subject);
    try {
      show(await get("/v1/explain", address ? { address: subject } : { user: subject }));
    } catch (error) {
      answer.replaceChildren(el("p", { class: "error" }, error instanceof Error ? error.message : String(error)));
    }
  }

  /** @param {Explained} explained */
  function show({ advice, items, text }) {
    answer.replaceChildren();
    const good = items[0]?.code === "OK";
    put(
      answer,
      el(
        "div",
        { class: `card verdict ${good ? "good" : "warn"}` },
        el("h2", {}, sentence(text)),
        advice !== undefined && el("p", {}, sentence(advice)),
      ),
    );
    if (items.length === 0) return;
    put(
      answer,
      el("h2", {}, "The last attempts"),
      el(
        "ol",
        { class: "card attempts" },
        alike(items).map(([item, times]) =>
          el(
            "li",
            { class: item.code === "OK" ? "good" : "warn" },
            el("time", {}, clock(item.at)),
            el("code", {}, times > 1 ? `${item.code} × ${times}` : item.code),
            el(
              "div",
              {},
              el("p", {}, sentence(item.text)),
              el(
                "p",
                { class: "soft" },
                [item.user && `${item.user}${item.domain ? `@${item.domain}` : ""}`, item.address]
                  .filter(Boolean)
                  .join(" from "),
              ),
              item.advice !== undefined && el("p", { class: "advice" }, sentence(item.advice)),
            ),
          ),
        ),
      ),
    );
  }
  return { element, changed: () => {} };
}

/**
 * Attempts that ended alike one after the other, as one with how many there were.
 *
 * @param {readonly Explanation[]} items
 */
function alike(items) {
  /** @type {[Explanation, number][]} */
  const groups = [];
  for (const item of items) {
    const last = groups.at(-1);
    const keys = /** @type {const} */ (["code", "text", "user", "address"]);
    if (last !== undefined && keys.every((key) => last[0][key] === item[key])) last[1] += 1;
    else groups.push([item, 1]);
  }
  return groups;
}

/** @param {string} text */
function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?!]$/.test(first) ? first : `${first}.`;
}
