// A button of a motion that goes on only while it is held down. The machine wants a sign of life each 100 ms meanwhile: whatever
// ends the press, or holds up the page, ends the motion.

import { commandButton } from "./controls.js";
import { h } from "./dom.js";
import { link } from "../link.js";

const SIGN_MS = 100;
const KEYS = ["Enter", " "];

/**
 * @param {string} label
 * @param {string} command
 * @param {() => Promise<unknown>} begin
 */
export function holdToRun(label, command, begin) {
  const control = commandButton(label, command, () => {}, "start");
  const pressed = control.button;
  pressed.classList.add("held-button");
  let timer = 0;

  function press() {
    if (timer || pressed.disabled) return;
    pressed.classList.add("is-held");
    timer = setInterval(() => link.sayAlive(), SIGN_MS);
    begin().then((isBegun) => isBegun || release());
  }
  function release() {
    if (timer) link.letGo();
    clearInterval(timer);
    timer = 0;
    pressed.classList.remove("is-held");
  }

  pressed.addEventListener("pointerdown", (event) => event.button === 0 && press());
  pressed.addEventListener("contextmenu", (event) => event.preventDefault());
  pressed.addEventListener("keydown", (event) => {
    if (!KEYS.includes(event.key)) return;
    event.preventDefault();
    if (!event.repeat) press();
  });
  const left = new AbortController();
  for (const name of ["pointerup", "pointercancel", "blur", "keyup"]) window.addEventListener(name, release, { signal: left.signal });
  for (const name of ["pointerleave", "blur"]) pressed.addEventListener(name, release);
  document.addEventListener("visibilitychange", release, { signal: left.signal });

  return {
    element: h("div", { class: "hold-place" }, control.element),
    update() {
      // While it moves it may not be begun again, and is held on.
      if (!timer) control.update();
    },
    leave() {
      left.abort();
      release();
    },
  };
}
