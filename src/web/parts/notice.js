// Short messages above STOP: what was refused, and what helps.

import { button } from "./controls.js";
import { fill, h } from "./dom.js";
import { words } from "../words.js";

const SHOWN_MS = 8000;
const place = document.getElementById("notices");
let timer = 0;

/** Shows a message until it is closed, or replaced, or for a while. `kind` is `good`, `bad` or `plain`. */
export function notify(text, kind = "plain", detail = "") {
  put(text, kind, detail && h("span", {}, ` ${detail}`));
  timer = setTimeout(clear, SHOWN_MS);
}

/** Shows a message that stays until it is closed, with an act; what takes it away. */
export function offer(text, label, act) {
  const box = put(text, "plain", null, button(label, act));
  return () => box.remove();
}

function put(text, kind, detail, act) {
  clearTimeout(timer);
  const close = h("button", { class: "notice-close", type: "button", "aria-label": words.close, onclick: clear }, "\u00d7");
  const box = h("div", { class: `notice ${kind}` }, h("p", {}, h("strong", {}, text), detail), act, close);
  fill(place, box);
  return box;
}

function clear() {
  place.replaceChildren();
}

/** Shows why something was refused, and the act that helps. */
export function complain(problem) {
  if (problem.name === "AbortError") return;
  const where = (problem.errors ?? []).map((error) => `${error.field}: ${error.message}`).join("; ");
  const what = problem.detail || problem.title || problem.message;
  const helps = where || problem.remedy || "";
  notify(/[.!?]$/.test(what) ? what : `${what}.`, "bad", what.includes(helps) ? "" : helps);
}

/** Does something for the person at the page, and says what went wrong. True if it succeeded. */
export async function attempt(act, done = "") {
  try {
    await act();
    if (done) notify(done, "good");
    return true;
  } catch (problem) {
    complain(problem);
    return false;
  }
}
