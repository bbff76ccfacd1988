// Controls: cards, fields, sliders, buttons. All are at least 48 px high, have names, and work with the keyboard.

import { attribute, h, text } from "./dom.js";
import { link } from "../link.js";

let nextId = 1;
const newId = () => `c${nextId++}`;

/** A part of a screen, with a heading. */
export function card(title, ...children) {
  const id = newId();
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

/** The way to a screen that has no place of its own. */
export const way = ({ title, what, open }, screen) =>
  card(title, h("p", { class: "quiet" }, what), h("a", { class: "button", href: `#${screen}` }, open ?? title));

/** What stands where nothing is yet: what it is, and when something comes. */
export function emptyState(title, hint) {
  return h("div", { class: "empty-state" }, h("strong", {}, title), h("span", {}, hint));
}

/** A button. `kind`: `start` (white), `reset` (blue), `plain`, `danger`. */
export function button(label, onclick, kind = "plain", properties = {}) {
  return h("button", { type: "button", class: `button ${kind}`, onclick, ...properties }, label);
}

/**
 * A button for a command of the machine: it can be pressed when the machine would accept it, and says why not otherwise.
 * @returns {{element: HTMLElement, update: () => void}}
 */
export function commandButton(label, command, onclick, kind = "plain") {
  const why = h("span", { class: "why", id: newId() });
  const pressed = button(label, onclick, kind, { "aria-describedby": why.id });
  const update = () => {
    const allowed = link.allows(command);
    pressed.disabled = !allowed;
    const refusal = allowed ? null : link.refusal(command);
    text(why, refusal ? [refusal.why, refusal.remedy].filter(Boolean).join(". ") : "");
  };
  update();
  return { element: h("span", { class: "command" }, pressed, why), update, button: pressed };
}

/** A labelled input. `properties` are those of the input; `hint` stands below it. */
export function field(label, properties = {}, hint = "") {
  const id = newId();
  const input = h("input", { id, ...properties });
  const said = hint ? h("small", { id: `${id}h` }, hint) : null;
  if (said) input.setAttribute("aria-describedby", said.id);
  return { element: h("div", { class: "field" }, h("label", { for: id }, label), input, said), input };
}

/** A labelled choice. `options` are pairs of value and label. */
export function choice(label, options, onchange) {
  const id = newId();
  const select = h("select", { id, onchange: () => onchange?.(select.value) });
  const offer = (pairs) =>
    select.replaceChildren(...pairs.map(([value, words]) => h("option", { value }, words)));
  offer(options);
  return { element: h("div", { class: "field" }, h("label", { for: id }, label), select), select, offer };
}

/** A checkbox with its label. */
export function check(label, onchange, isChecked = false) {
  const id = newId();
  const input = h("input", { id, type: "checkbox", checked: isChecked, onchange: () => onchange?.(input.checked) });
  return { element: h("div", { class: "check" }, input, h("label", { for: id }, label)), input };
}

/** A table of names and values that change: `rows` are [key, label]; `set(key, value)` changes one. */
export function facts(rows) {
  const values = new Map();
  const list = rows.map(([key, label]) => {
    const value = h("dd");
    values.set(key, value);
    return h("div", {}, h("dt", {}, label), value);
  });
  return { element: h("dl", { class: "facts" }, ...list), set: (key, value) => text(values.get(key), value) };
}

/** Newest value at most each so many milliseconds. */
const SEND_MS = 80;

/**
 * A slider. The server's value is the truth, except under a finger and until what was sent is confirmed.
 * @param {{label: string, min: number, max: number, step: number, say: (value: number) => string,
 *   send?: (value: number) => Promise<unknown>}} options
 */
export function slider({ label, min, max, step, say, send }) {
  const id = newId();
  const shown = h("output", { for: id });
  const input = h("input", { id, type: "range", min, max, step });
  let held = false;
  let sending = false;
  let wanted = null;
  let confirmed = null;

  const describe = () => {
    const words = say(Number(input.value));
    text(shown, words);
    attribute(input, "aria-valuetext", words);
  };
  const flush = async () => {
    if (sending || wanted === null || !send) return;
    const value = wanted;
    wanted = null;
    sending = true;
    const from = performance.now();
    try {
      await send(value);
    } catch {
      // The sender says what was refused; the server's value comes back below.
    }
    setTimeout(() => {
      sending = false;
      if (wanted !== null) flush();
      else if (!held && confirmed !== null) settle(confirmed);
    }, Math.max(0, SEND_MS - (performance.now() - from)));
  };
  const settle = (value) => {
    input.value = String(value);
    describe();
  };
  input.addEventListener("pointerdown", () => { held = true; });
  for (const end of ["pointerup", "pointercancel", "blur"]) {
    input.addEventListener(end, () => { held = false; });
  }
  input.addEventListener("input", () => {
    describe();
    wanted = Number(input.value);
    flush();
  });
  describe();
  return {
    element: h("div", { class: "slider" }, h("label", { for: id }, label), input, shown),
    input,
    get value() { return Number(input.value); },
    /** The server's value. */
    take(value) {
      confirmed = value;
      if (!held && !sending && wanted === null) settle(value);
    },
    /** The range that is possible now. */
    range(from, to) {
      attribute(input, "min", from);
      attribute(input, "max", to);
      describe();
    },
    disable(isDisabled) { input.disabled = isDisabled; },
  };
}

/** A question in the page: no dialog of the browser, which would hold up everything, STOP too. Resolves to true or false. */
export function ask(place, question, yes, no) {
  return new Promise((resolve) => {
    const answer = (said) => () => {
      box.remove();
      resolve(said);
    };
    const box = h("div", { class: "question", role: "group", "aria-label": question }, h("p", {}, question),
      h("div", { class: "row" }, button(yes, answer(true), "danger"), button(no, answer(false))));
    place.append(box);
    box.querySelector("button").focus();
  });
}
