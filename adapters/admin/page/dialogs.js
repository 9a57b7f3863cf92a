/** Questions that are asked before something is done, and short words about what was. */
import { byId, el, put } from "./kit.js";

/**
 * A dialog over the page: the first field has the focus, Escape closes it, and the focus goes back to where it was.
 *
 * @param {string} title
 * @param {readonly (Node | string)[]} content
 * @param {readonly HTMLElement[]} buttons
 */
export function dialog(title, content, buttons) {
  const heading = el("h2", { id: "dialog-title" }, title);
  const box = el("dialog", { "aria-labelledby": "dialog-title" });
  const close = el("button", { type: "button", onclick: () => box.close() }, "Cancel");
  put(box, el("form", { method: "dialog" }, heading, content, el("div", { class: "buttons" }, close, buttons)));
  box.addEventListener("close", () => box.remove());
  // A click beside it is a no.
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  document.body.append(box);
  box.showModal();
  return { box, close };
}

/**
 * Asks, and does it when the answer is yes. What goes wrong is said in the dialog, which stays open.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {readonly (Node | string)[]} question.content
 * @param {string} question.yes  what the button says
 * @param {boolean} [question.danger]
 * @param {() => Promise<void>} question.act
 */
export function confirm({ act, content, danger = false, title, yes }) {
  const error = el("p", { class: "error", role: "alert" });
  const button = el("button", { class: danger ? "danger" : "primary" }, yes);
  const { box } = dialog(title, [...content, error], [button]);
  const form = /** @type {HTMLFormElement} */ (box.querySelector("form"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    act().then(
      () => box.close(),
      (refused) => {
        error.textContent = refused.message;
        button.disabled = false;
      },
    );
  });
  (form.querySelector("input") ?? button).focus();
}

/**
 * Says something for a while.
 *
 * @param {string} text
 * @param {"good" | "bad"} [kind]
 */
export function toast(text, kind = "good") {
  const note = el("p", { class: `toast ${kind}` }, text);
  byId("toasts").append(note);
  setTimeout(() => note.remove(), kind === "good" ? 4000 : 8000);
}
