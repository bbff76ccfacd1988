// What stands where nothing is yet: what it is, and when something comes.

import { h } from "./dom.js";

export function emptyState(title, hint) {
  return h("div", { class: "empty-state" }, h("strong", {}, title), h("span", {}, hint));
}
