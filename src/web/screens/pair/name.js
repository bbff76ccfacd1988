// The name of this device: a sensible one to begin with, and what was typed from then on.

import { h, text } from "../../parts/dom.js";
import { field } from "../../parts/controls.js";
import { link } from "../../link.js";
import { words } from "../../words.js";

const NAME_CHARS = 64;

const KINDS = [
  ["iphone", /iPhone/],
  ["ipad", /iPad/],
  ["android", /Android/],
  ["windows", /Windows/],
  ["mac", /Mac OS/],
  ["linux", /Linux|CrOS/],
];
// Others say that they are Chrome and Safari, too, so they come first.
const BROWSERS = [
  ["Firefox", /Firefox|FxiOS/],
  ["Edge", /Edg/],
  ["Opera", /OPR/],
  ["Samsung Internet", /SamsungBrowser/],
  ["Chrome", /Chrom|CriOS/],
  ["Safari", /Safari/],
];

function suggestion() {
  const find = (list) => list.find(([, pattern]) => pattern.test(navigator.userAgent))?.[0];
  return words.pair.device(words.pair.kinds[find(KINDS) ?? "other"], find(BROWSERS));
}

/** What was typed: it outlives a screen that is left and entered again. */
let typed = null;

/** The field. `read()` is the name, or null with a word about it when there is none. */
export function nameField() {
  const { element, input } = field(words.pair.name, {
    value: typed ?? link.me?.name ?? suggestion(), maxlength: NAME_CHARS, autocomplete: "off", autocapitalize: "words",
    spellcheck: false, enterkeyhint: "next",
  }, words.pair.nameHint);
  const wrong = h("p", { class: "field-wrong", role: "alert" });
  element.append(wrong);
  input.addEventListener("input", () => {
    typed = input.value;
    text(wrong, "");
  });
  const read = () => {
    const name = input.value.trim();
    text(wrong, name ? "" : words.pair.nameNeeded);
    if (!name) input.focus();
    return name || null;
  };
  return { element, read };
}
