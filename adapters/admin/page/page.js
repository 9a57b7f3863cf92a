/** The page: signs in, shows one view at a time, and hears the keyboard. */
import { order, setToken, token, tryToken, whenSignedOut } from "./api.js";
import { connections } from "./connections.js";
import { confirm, dialog, toast } from "./dialogs.js";
import { events } from "./events.js";
import { explain } from "./explain.js";
import { byId, clock, duration, el, number, say } from "./kit.js";
import { overview } from "./overview.js";
import { sessions } from "./sessions.js";
import { State } from "./state.js";

/**
 * @typedef {import("../../control/control.ts").Reloaded} Reloaded
 * @typedef {{ readonly element: HTMLElement, changed(what: string): void, leave?(): void }} View
 */

/** @type {Readonly<Record<string, (state: State) => View>>} */
const views = { overview, sessions, connections, events, explain };
const names = Object.keys(views);

/** @type {State | undefined} */
let state;
/** @type {View | undefined} */
let view;

// ---- signing in ----

function signIn(why = "") {
  state?.stop();
  view?.leave?.();
  state = view = undefined;
  for (const open of document.querySelectorAll("dialog")) open.close();
  byId("shell").hidden = true;
  byId("sign-in").hidden = false;
  say(byId("sign-in-error"), why);
  document.title = "Sign in · parley";
  byId("token").focus();
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId("token"));
  const candidate = field.value.trim();
  tryToken(candidate).then(
    () => {
      setToken(candidate);
      field.value = "";
      enter();
    },
    (refused) => {
      say(byId("sign-in-error"), refused.message);
      field.select();
    },
  );
});

whenSignedOut(() => {
  if (token() === null) return;
  setToken(undefined);
  signIn("That token is not valid any more.");
});

byId("sign-out").addEventListener("click", () => {
  setToken(undefined);
  signIn();
});

function enter() {
  byId("sign-in").hidden = true;
  byId("shell").hidden = false;
  state = new State(changed);
  state.start();
  turnTo();
}

// ---- what has changed ----

/** @param {string} what */
function changed(what) {
  if (state === undefined) return;
  if (what === "info") showInfo(state);
  if (what === "reachable") showReach(state);
  if (what === "events" && view?.element.dataset.name !== "events") byId("events-new").hidden = false;
  view?.changed(what);
}

/** @param {State} current */
function showInfo({ info }) {
  if (info === undefined) return;
  say(byId("host"), info.hostname);
  say(
    byId("facts"),
    `${info.version} on ${info.runtime} · up ${duration(Date.now() - info.startedAt)}${info.workers > 1 ? ` · ${info.workers} workers` : ""}`,
  );
  say(byId("count-sessions"), number(info.sessions));
  say(byId("count-connections"), number(info.connections));
  const status = byId("status");
  status.className = `pill ${info.drain === undefined ? "good" : "warn"}`;
  say(status, info.drain === undefined ? "Serving" : `Draining until ${clock(info.drain.deadline)}`);
  say(byId("drain"), info.drain === undefined ? "Drain" : "End drain");
  document.title = `${info.sessions} sessions · ${info.hostname} · parley`;
}

/** @param {State} current */
function showReach({ info, reachable, why }) {
  const banner = byId("banner");
  banner.hidden = reachable;
  const left = info?.drain === undefined ? "" : " It was draining, and may have ended as it should.";
  say(
    banner,
    reachable ? "" : `${why.charAt(0).toUpperCase()}${why.slice(1)}.${left} What you see is old; trying again.`,
  );
  if (reachable) return;
  byId("status").className = "pill bad";
  say(byId("status"), "No answer");
}

// ---- views ----

function turnTo() {
  if (state === undefined) return;
  const [asked = ""] = location.hash.slice(1).split("/");
  const name = names.includes(asked) ? asked : "overview";
  view?.leave?.();
  view = /** @type {(state: State) => View} */ (views[name])(state);
  view.element.dataset.name = name;
  byId("main").replaceChildren(view.element);
  for (const link of document.querySelectorAll("nav.tabs a")) {
    const current = link.getAttribute("href") === `#${name}`;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (current) link.scrollIntoView({ block: "nearest", inline: "center" });
  }
  if (name === "events") byId("events-new").hidden = true;
}
addEventListener("hashchange", () => {
  turnTo();
  scrollTo(0, 0);
});

// ---- what an operator does ----

function reload() {
  confirm({
    title: "Read the configuration again?",
    content: [
      el(
        "p",
        { class: "soft" },
        "Certificates too. What can be applied is, without losing a connection; when anything is wrong nothing changes.",
      ),
    ],
    yes: "Reload",
    act: async () => {
      const done = /** @type {Reloaded} */ (await order("POST", "/v1/reload"));
      if (!done.ok) throw new Error(`Nothing was changed: ${done.problems.join("; ")}`);
      const restart = done.needsRestart.length === 0 ? "" : `; ${done.needsRestart.join(", ")} need a restart`;
      toast(`Reloaded: ${done.applied.length === 0 ? "nothing was different" : done.applied.join(", ")}${restart}`);
    },
  });
}

function drain() {
  if (state?.info?.drain !== undefined) {
    confirm({
      title: "End the drain?",
      content: [el("p", { class: "soft" }, "New sessions are taken again.")],
      yes: "End drain",
      act: async () => {
        await order("DELETE", "/v1/drain");
        toast("Serving again");
        await state?.readOnce();
      },
    });
    return;
  }
  const minutes = el("input", {
    id: "drain-minutes",
    type: "number",
    min: "0",
    max: "10080",
    value: "60",
    required: true,
  });
  confirm({
    title: "Drain this relay, and end it?",
    content: [
      el(
        "p",
        { class: "soft" },
        "It takes no new sessions from now on, and tells load balancers so. When the last session has ended, or at the deadline, parley ends.",
      ),
      el("label", { for: "drain-minutes" }, "Minutes until the deadline"),
      minutes,
    ],
    yes: "Drain",
    danger: true,
    act: async () => {
      await order("POST", "/v1/drain", { seconds: Math.round(minutes.valueAsNumber * 60) });
      toast("Draining: parley ends with its last session");
      await state?.readOnce();
    },
  });
}

byId("reload").addEventListener("click", reload);
byId("drain").addEventListener("click", drain);

// ---- colours ----

const themes = ["", "light", "dark"];
const signs = { "": "◐", light: "☀", dark: "☾" };

/** @param {string} theme  empty: what the system says */
function setTheme(theme) {
  if (theme === "") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const button = byId("theme");
  button.textContent = signs[/** @type {keyof typeof signs} */ (theme)] ?? "◐";
  button.setAttribute("aria-label", `Colours: ${theme === "" ? "as the system" : theme}`);
  localStorage.setItem("parley.theme", theme);
}

function nextTheme() {
  const now = themes.indexOf(localStorage.getItem("parley.theme") ?? "");
  setTheme(themes[(now + 1) % themes.length] ?? "");
}
setTheme(localStorage.getItem("parley.theme") ?? "");
byId("theme").addEventListener("click", nextTheme);

// ---- the keyboard ----

/** @type {readonly [key: string, what: string, act: () => void][]} */
const keys = [
  ...names.map(
    (name, index) =>
      /** @type {[string, string, () => void]} */ ([String(index + 1), name, () => (location.hash = name)]),
  ),
  ["/", "search", () => document.querySelector(/** @type {"input"} */ ("#search"))?.focus()],
  ["r", "reload", reload],
  ["d", "drain", drain],
  ["t", "colours", nextTheme],
  ["?", "this help", help],
];

function help() {
  const rows = keys.map(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)]).flat();
  const { close } = dialog("Keyboard", [el("dl", { class: "keys" }, rows)], []);
  close.textContent = "Close";
  close.focus();
}
byId("help").addEventListener("click", help);

addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
  if (state === undefined || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = keys.find(([key]) => key === event.key)?.[2];
  if (act === undefined) return;
  event.preventDefault();
  act();
});

if (token() === null) signIn();
else enter();
