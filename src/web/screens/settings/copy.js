// A text that is taken along: a field that selects itself, and a button that copies where the browser allows it.

import { h, text } from "../../parts/dom.js";
import { button, field } from "../../parts/controls.js";
import { words } from "../../words.js";

export function copyField(label, value, hint = "") {
  const { element, input } = field(label, { readonly: true, value, spellcheck: false, autocomplete: "off", class: "mono" }, hint);
  input.addEventListener("focus", () => input.select());
  const copy = button(words.settings.copy, async () => {
    try {
      await navigator.clipboard.writeText(value);
      text(copy, words.settings.copied);
    } catch {
      // A page that is not loaded over a secure connection has no clipboard: what is selected is copied by hand.
      input.focus();
      text(copy, words.settings.copyByHand);
    }
  });
  return h("div", { class: "stack" }, element, copy);
}
