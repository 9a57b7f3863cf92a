/**
 * The admin API, asked with the token of this tab.
 *
 * The token goes into a header and never into a URL, so no log, history or referrer has it. That is also why events are
 * read with `fetch`: an EventSource cannot send a header.
 */

const KEY = "parley.token";

/** What the API refused, in its words. */
export class Refused extends Error {
  /**
   * @param {number} status  0 when there was no answer
   * @param {string} detail
   */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** @type {() => void} */
let signedOut = () => {};

/** @param {() => void} call  the token is not valid any more */
export function whenSignedOut(call) {
  signedOut = call;
}

export function token() {
  return sessionStorage.getItem(KEY);
}

/** @param {string | undefined} fresh */
export function setToken(fresh) {
  if (fresh === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, fresh);
}

/**
 * @param {string} path
 * @param {{ method?: string, body?: object, signal?: AbortSignal, headers?: Record<string, string>, as?: string }} [options]
 * @returns {Promise<Response>}
 */
async function ask(path, { method = "GET", body, signal, headers = {}, as = token() ?? "" } = {}) {
  const all = { authorization: `Bearer ${as}`, ...headers };
  if (body !== undefined) Object.assign(all, { "content-type": "application/json" });
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: all,
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, "parley does not answer");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401 && as === token()) signedOut();
  throw new Refused(response.status, problem.detail ?? `${response.status} ${response.statusText}`);
}

/**
 * @template T
 * @param {string} path
 * @param {Record<string, string | number | undefined>} [query]
 * @returns {Promise<T>}
 */
export async function get(path, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const response = await ask(search.size === 0 ? path : `${path}?${search}`);
  return response.json();
}

/** @param {string} path */
export async function text(path) {
  return (await ask(path)).text();
}

/**
 * @template T
 * @param {"POST" | "DELETE" | "PUT"} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<T | undefined>}
 */
export async function order(method, path, body) {
  const response = await ask(path, { method, ...(body === undefined ? {} : { body }) });
  return response.status === 204 ? undefined : response.json();
}

/**
 * Does this token open the door?
 *
 * @param {string} candidate
 */
export async function tryToken(candidate) {
  await ask("/v1/info", { as: candidate });
}

/**
 * @typedef {{ id: string | undefined, event: string, data: string }} ServerEvent
 *
 * Reads server-sent events until they end; throws when that was not by `signal`.
 *
 * @param {string} path
 * @param {(event: ServerEvent) => void} sink
 * @param {AbortSignal} signal
 * @param {string} [after]  Last-Event-ID
 */
export async function stream(path, sink, signal, after) {
  const response = await ask(path, { signal, headers: after === undefined ? {} : { "last-event-id": after } });
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let rest = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
    rest = /** @type {string} */ (blocks.pop());
    for (const block of blocks) {
      const event = readEvent(block);
      if (event.data !== "") sink(event);
    }
  }
}

/** @param {string} block */
function readEvent(block) {
  /** @type {ServerEvent} */
  const event = { id: undefined, event: "message", data: "" };
  for (const line of block.split(/\r?\n/)) {
    const [, name, value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name === "data") event.data += event.data === "" ? value : `\n${value}`;
    else if (name === "event") event.event = value;
    else if (name === "id") event.id = value;
  }
  return event;
}
