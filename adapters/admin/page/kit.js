/** Small tools: elements, and numbers as people read them. */

/**
 * @typedef {string | number | Node | null | undefined | false} Child
 * @typedef {Readonly<Record<string, string | number | boolean | EventListener | undefined>>} Attributes
 */

/**
 * Makes an element. `onclick` and the like are listeners; false and undefined leave an attribute out.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | readonly Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  put(element, ...children);
  return element;
}

/**
 * Adds children; what is no child is left out.
 *
 * @param {Element} parent
 * @param {...(Child | readonly Child[])} children
 */
export function put(parent, ...children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(typeof child === "number" ? String(child) : /** @type {string | Node} */ (child));
  }
}

/**
 * @template {Element} [T=HTMLElement]
 * @param {string} id
 */
export function byId(id) {
  return /** @type {T} */ (/** @type {unknown} */ (document.getElementById(id)));
}

/**
 * Changes a text only where it is another, so that nothing is laid out for nothing and selections stay.
 *
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * `1.4 MB`
 *
 * @param {number} octets
 */
export function bytes(octets) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  let value = octets;
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** @param {number} perSecond */
export function rate(perSecond) {
  return `${bytes(perSecond)}/s`;
}

/**
 * `12,345`, `0.4`
 *
 * @param {number} value
 */
export function number(value) {
  return value.toLocaleString("en", { maximumFractionDigits: value !== 0 && Math.abs(value) < 10 ? 1 : 0 });
}

/**
 * `3 d 4 h`, `12 min`, `5 s`
 *
 * @param {number} milliseconds
 */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 10 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/**
 * `12.3 ms`
 *
 * @param {number} seconds
 */
export function short(seconds) {
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  const ms = seconds * 1000;
  return `${ms.toFixed(ms < 10 && !Number.isInteger(ms) ? 1 : 0)} ms`;
}

/**
 * `14:03:21`, with the day when it is another.
 *
 * @param {number} at
 */
export function clock(at) {
  const date = new Date(at);
  const time = date.toLocaleTimeString("en-GB");
  return date.toDateString() === new Date().toDateString() ? time : `${date.toISOString().slice(0, 10)} ${time}`;
}

/** @param {string} camel `sessionStarted` becomes `session started` */
export function words(camel) {
  return camel.replace(/([a-z])([A-Z])/g, (_, before, after) => `${before} ${after.toLowerCase()}`);
}

/** Does the person want things to stand still? */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
