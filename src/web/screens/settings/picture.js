// A picture that the server drew, as elements of this page: it may load no picture from a text.

import { h } from "../../parts/dom.js";

/** The picture, or nothing if there is none. */
export function picture(svg, label) {
  const drawn = new DOMParser().parseFromString(svg ?? "", "image/svg+xml").documentElement;
  if (drawn.localName !== "svg" || drawn.querySelector("script, foreignObject")) return null;
  return h("div", { class: "picture", role: "img", "aria-label": label }, document.importNode(drawn, true));
}
