// What moves the axis from this page: a wave, a pattern, or a script, side by side at the top of the screen of each.

import { h } from "./dom.js";
import { words } from "../words.js";

export function ways() {
  const link = ([screen, name]) =>
    h("a", { href: `#${screen}`, "aria-current": screen === document.body.dataset.screen && "page" }, name);
  return h("nav", { class: "ways", "aria-label": words.ways.title }, Object.entries(words.ways.names).map(link));
}
