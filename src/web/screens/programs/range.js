// A range with a button at each end: for a finger, and for one millimetre more.

import { button } from "../../parts/controls.js";
import { attribute, h, text } from "../../parts/dom.js";
import { said } from "./words.js";

/** Changes are sent at most each so many milliseconds. */
const SEND_MS = 200;
let nextId = 1;

/**
 * @param {{label: string, step?: number, say: (value: number) => string, moved?: () => void, done: () => void}} options
 *   `moved` is called while it changes, `done` when the finger is lifted
 */
export function range({ label, step = 1, say, moved, done }) {
  const id = `p${nextId++}`;
  const shown = h("output", { for: id });
  const input = h("input", { id, type: "range", min: 0, max: 100, step });
  let isHeld = false;
  /** Moved by somebody, and not told yet. */
  let isMoved = false;
  const letGo = () => {
    isHeld = false;
    if (isMoved) done();
    isMoved = false;
  };
  const by = (change) => () => {
    input.value = String(Number(input.value) + change);
    moved?.();
    done();
  };
  const [less, more] = [button("\u2212", by(-step), "plain", { "aria-label": said.less(label) }),
    button("+", by(step), "plain", { "aria-label": said.more(label) })];
  input.addEventListener("pointerdown", () => { isHeld = true; });
  // Not every browser says "change" of a value that a script has set meanwhile.
  for (const end of ["pointerup", "pointercancel", "blur", "change"]) input.addEventListener(end, letGo);
  input.addEventListener("input", () => {
    isMoved = true;
    control.set(Number(input.value));
    moved?.();
  });
  const control = {
    element: h("div", { class: "stepped" }, h("label", { for: id }, label), shown, less, input, more),
    input,
    get value() { return Number(input.value); },
    get isHeld() { return isHeld; },
    set(value) {
      input.value = String(value);
      text(shown, say(value));
      attribute(input, "aria-valuetext", say(value));
    },
    disable(isOff) { for (const part of [less, input, more]) part.disabled = isOff; },
  };
  return control;
}

/** The newest wish counts: one at a time is sent, and not too many a second. `settled` is called when none is left. */
export function wishes(send, settled) {
  let wish = null;
  let isSending = false;
  async function go() {
    if (isSending || wish === null) return;
    const now = wish;
    wish = null;
    isSending = true;
    await Promise.all([send(now), new Promise((resolve) => { setTimeout(resolve, SEND_MS); })]);
    isSending = false;
    if (wish === null) settled();
    else go();
  }
  return {
    want(wanted) {
      wish = wanted;
      go();
    },
    /** True while the server's value is not yet what was asked for. */
    get isOpen() { return isSending || wish !== null; },
  };
}
