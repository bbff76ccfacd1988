// A button that starts a motion of an axis whose position is not known. It is held for a second, so that no stray touch
// does it.

import { ask, commandButton } from "./controls.js";
import { h } from "./dom.js";
import { notify } from "./notice.js";
import { words } from "../words.js";

const HOLD_MS = 1000;
const KEYS = ["Enter", " "];

/**
 * A button for a command of the machine. While `needsHold` it is held for a second, by a finger or a key; an aid that
 * can only click is asked instead.
 * @param {string} label
 * @param {string} command
 * @param {() => unknown} act
 * @param {() => boolean} needsHold
 * @param {string} [kind]
 */
export function holdButton(label, command, act, needsHold, kind = "start") {
  const control = commandButton(label, command, clicked, kind);
  const pressed = control.button;
  const place = h("div", { class: "question-place" });
  pressed.classList.add("held-button");
  let timer = 0;
  let isByKey = false;
  let isAsking = false;
  /** A press that was a hold from its beginning is no click, whatever it has changed until it ends. */
  let isHold = false;

  function begin() {
    if (timer || pressed.disabled) return;
    pressed.classList.add("is-held");
    timer = setTimeout(() => {
      const mayAct = !pressed.disabled;
      end();
      if (mayAct) act();
    }, HOLD_MS);
  }
  function end() {
    clearTimeout(timer);
    timer = 0;
    pressed.classList.remove("is-held");
  }
  function release() {
    if (timer) notify(words.machine.holdLonger);
    isByKey = false;
    end();
  }
  async function clicked(event) {
    if (event.detail > 0 && isHold) return;
    if (!needsHold()) return void act();
    if (isAsking) return;
    isAsking = true;
    const isSure = await ask(place, words.machine.calibrateAsk, words.machine.calibrateYes, words.cancel);
    isAsking = false;
    if (isSure && !pressed.disabled) act();
  }

  pressed.addEventListener("pointerdown", (event) => {
    isHold = needsHold();
    if (isHold && event.button === 0) begin();
  });
  // At the window: a button that was disabled meanwhile hears nothing, and nobody holds it any more.
  const left = new AbortController();
  for (const name of ["pointerup", "pointercancel", "blur"]) {
    window.addEventListener(name, () => isByKey || release(), { signal: left.signal });
  }
  pressed.addEventListener("pointerleave", () => isByKey || release());
  pressed.addEventListener("contextmenu", (event) => event.preventDefault());
  pressed.addEventListener("keydown", (event) => {
    if (!KEYS.includes(event.key) || !needsHold()) return;
    event.preventDefault();
    isByKey = true;
    if (!event.repeat) begin();
  });
  pressed.addEventListener("keyup", (event) => KEYS.includes(event.key) && isByKey && release());
  pressed.addEventListener("blur", () => isByKey && release());

  return {
    element: h("div", { class: "hold-place" }, control.element, place),
    button: pressed,
    update() {
      control.update();
      if (pressed.disabled) end();
    },
    leave() {
      left.abort();
      end();
    },
  };
}
