// What the machine has shown in a step: a list in which each sign is there or not yet.

import { attribute, h, text } from "../../parts/dom.js";
import { said } from "./words.js";

export function signs(names) {
  const items = new Map(names.map((name) => {
    const value = h("strong", {}, said.notYet);
    return [name, { value, item: h("li", { class: "first-sign" }, h("span", {}, said.signs[name]), value) }];
  }));
  return {
    element: h("ul", { class: "first-signs", role: "status" }, [...items.values()].map(({ item }) => item)),
    /** `what` is shown beside it. */
    set(name, isSeen, what = "") {
      const { item, value } = items.get(name);
      attribute(item, "data-seen", isSeen);
      text(value, isSeen ? `${what} \u2713` : what === "" ? said.notYet : what);
    },
  };
}
