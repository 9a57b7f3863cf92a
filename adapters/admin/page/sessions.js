/** The sessions, one of them in full with its frames as they pass, and its end. */
import { get, order, stream } from "./api.js";
import { confirm, toast } from "./dialogs.js";
import { bytes, clock, duration, el, number, put, rate, say } from "./kit.js";
import { table } from "./table.js";

/**
 * @typedef {import("../../control/control.ts").SessionView} SessionView
 * @typedef {import("../../control/control.ts").TracedFrame} TracedFrame
 */

const TRACE_SECONDS = 300;
const FRAMES_KEPT = 200;
const EVERY_MS = 2000;

/** What went through since the last look, by session. */
class Rates {
  constructor() {
    /** @type {Map<string, { at: number, octets: number, rate: number }>} */
    this.known = new Map();
  }

  /** @param {readonly SessionView[]} items */
  read(items) {
    const at = performance.now();
    const before = this.known;
    this.known = new Map(
      items.map(({ id, traffic }) => {
        const octets = traffic.bytesIn + traffic.bytesOut;
        const last = before.get(id);
        const perSecond = last === undefined ? 0 : (octets - last.octets) / Math.max(0.001, (at - last.at) / 1000);
        return [id, { at, octets, rate: perSecond }];
      }),
    );
  }

  /** @param {string} id */
  of(id) {
    return this.known.get(id)?.rate ?? 0;
  }
}

/** @param {SessionView} session @param {() => void} ended */
function askToEnd({ address, domain, id, user }, ended) {
  confirm({
    title: "End this session?",
    content: [
      el("p", {}, el("b", {}, `${user}@${domain}`), ` from ${address}`),
      el(
        "p",
        { class: "soft" },
        "Its URI is void at once, and its client's connection is closed when nothing else uses it. The client may come again.",
      ),
    ],
    yes: "End session",
    danger: true,
    act: async () => {
      await order("DELETE", `/v1/sessions/${encodeURIComponent(id)}`);
      toast(`The session of ${user}@${domain} has ended`);
      ended();
    },
  });
}

export function sessions() {
  const rates = new Rates();
  const list = table(
    /** @type {import("./table.js").TableOptions<SessionView>} */ ({
      title: "Sessions",
      path: "/v1/sessions",
      search: "search",
      placeholder: "User, domain, address or peer",
      sort: "-bytes",
      none: "No session is open.",
      read: (items) => rates.read(items),
      columns: [
        {
          title: "User",
          cell: ({ domain, user }) =>
            el("span", { class: "user" }, el("b", {}, user), el("span", { class: "soft" }, `@${domain}`)),
        },
        { title: "Address", cell: ({ address, port }) => `${address}:${port}` },
        { title: "With", cell: ({ peers }) => (peers.length === 0 ? "–" : peers.slice(-2).join(", ")) },
        { title: "Now", number: true, cell: ({ id }) => (rates.of(id) > 0 ? rate(rates.of(id)) : "–") },
        {
          title: "Octets",
          number: true,
          sort: "bytes",
          cell: ({ traffic }) => bytes(traffic.bytesIn + traffic.bytesOut),
        },
        { title: "Messages", number: true, cell: ({ traffic }) => number(traffic.messagesIn + traffic.messagesOut) },
        { title: "Age", number: true, sort: "age", cell: ({ startedAt }) => duration(Date.now() - startedAt) },
        {
          title: "",
          cell: (session) =>
            el(
              "button",
              {
                class: "small danger",
                "aria-label": `End the session of ${session.user}@${session.domain}`,
                onclick: () => askToEnd(session, () => void list.refresh()),
              },
              "End",
            ),
        },
      ],
      open: (session) => details(session, () => void list.refresh()),
    }),
  );
  return list;
}

/**
 * @param {SessionView} session
 * @param {() => void} ended
 */
function details(session, ended) {
  const { id } = session;
  const facts = el("dl", { class: "facts" });
  const state = el("p", { class: "soft", role: "status" });
  const frames = el("ol", { class: "frames", "aria-label": "Frames" });
  const follow = el(
    "button",
    { type: "button", class: "primary", onclick: () => (tracing === undefined ? trace() : tracing.abort()) },
    "Follow its frames",
  );
  const box = el("dialog", { class: "side", "aria-labelledby": "details-title" });
  put(
    box,
    el(
      "div",
      { class: "heading" },
      el("h2", { id: "details-title" }, `${session.user}@${session.domain}`),
      el("button", { class: "icon", "aria-label": "Close", onclick: () => box.close() }, "✕"),
    ),
    facts,
    el(
      "div",
      { class: "buttons" },
      follow,
      el(
        "button",
        { type: "button", class: "danger", onclick: () => askToEnd(session, () => (ended(), box.close())) },
        "End session",
      ),
    ),
    state,
    frames,
  );
  /** @type {AbortController | undefined} */
  let tracing;
  const rates = new Rates();

  /** @param {SessionView} it */
  function show(it) {
    rates.read([it]);
    const { traffic: t } = it;
    /** @type {[string, string][]} */
    const rows = [
      ["Session", it.id],
      ["Connection", `${it.connection} on ${it.listener}, ${it.secure ? "TLS" : "plain"}`],
      ["Address", `${it.address}:${it.port}`],
      ...(it.relay === undefined ? [] : [/** @type {[string, string]} */ (["Through relay", it.relay])]),
      ["With", it.peers.length === 0 ? "nobody yet" : it.peers.join(", ")],
      ["Since", `${clock(it.startedAt)}, ${duration(Date.now() - it.startedAt)} ago`],
      ["Last frame", `${duration(Date.now() - it.usedAt)} ago`],
      ["Expires", `in ${duration(it.expiresAt - Date.now())}`],
      [
        "Sent",
        `${bytes(t.bytesOut)}, ${number(t.messagesOut)} messages, ${number(t.filesOut)} files, ${number(t.reportsOut)} reports`,
      ],
      [
        "Received",
        `${bytes(t.bytesIn)}, ${number(t.messagesIn)} messages, ${number(t.filesIn)} files, ${number(t.reportsIn)} reports`,
      ],
      ["Now", rate(rates.of(it.id))],
    ];
    if (facts.childElementCount !== 2 * rows.length) {
      facts.replaceChildren(...rows.flatMap(([name]) => [el("dt", {}, name), el("dd")]));
    }
    for (const [index, [, value]] of rows.entries()) say(/** @type {Element} */ (facts.children[2 * index + 1]), value);
  }

  function trace() {
    const control = (tracing = new AbortController());
    follow.textContent = "Stop";
    frames.replaceChildren();
    say(state, "Waiting for frames…");
    let count = 0;
    const sink = (/** @type {import("./api.js").ServerEvent} */ { data, event }) => {
      const it = JSON.parse(data);
      if (event === "end") return say(state, `Ended: ${it.why}.`);
      say(state, `${++count} frames. Heads only: bodies are never shown, nor the ids of URIs we handed out.`);
      frames.prepend(frame(it));
      if (frames.childElementCount > FRAMES_KEPT) frames.lastElementChild?.remove();
    };
    stream(`/v1/sessions/${encodeURIComponent(id)}/trace?seconds=${TRACE_SECONDS}`, sink, control.signal)
      .catch((error) => {
        if (!control.signal.aborted) say(state, error.message);
      })
      .finally(() => {
        if (tracing === control) tracing = undefined;
        follow.textContent = "Follow its frames";
      });
  }

  const timer = setInterval(() => {
    const asked = /** @type {Promise<SessionView>} */ (get(`/v1/sessions/${encodeURIComponent(id)}`));
    asked.then(show, (error) => {
      clearInterval(timer);
      say(state, error.message);
    });
  }, EVERY_MS);
  box.addEventListener("close", () => {
    clearInterval(timer);
    tracing?.abort();
    box.remove();
  });
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  show(session);
  document.body.append(box);
  box.showModal();
}

/** @param {TracedFrame} it */
function frame({ at, bodyBytes, connection, direction, head }) {
  const [start = "", ...headers] = head.trimEnd().split(/\r?\n/);
  return el(
    "li",
    { class: direction },
    el(
      "details",
      {},
      el(
        "summary",
        {},
        el("time", {}, clock(at)),
        el("span", { class: "arrow" }, direction === "in" ? "→ relay" : "relay →"),
        el("code", {}, start.replace(/^MSRP \S+ /, "")),
        bodyBytes > 0 && el("span", { class: "soft" }, bytes(bodyBytes)),
      ),
      el("pre", {}, [start, ...headers].join("\n")),
      el("p", { class: "soft" }, `${direction === "in" ? "from" : "to"} connection ${connection}`),
    ),
  );
}
