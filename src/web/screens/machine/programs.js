// The way to the programs that move the axis.

import { card } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { words } from "../../words.js";

export function programsCard() {
  const { title, what } = words.programs;
  return { element: card(title, h("p", { class: "quiet" }, what), h("a", { class: "button", href: "#programs" }, title)) };
}
