// The title of the tab: with several machines in a house it says which one this is.

import { link } from "../link.js";

/** The name that a machine has which nobody gave one. */
const NAMELESS = "main";

export function showTitle() {
  const name = link.me?.machine;
  document.title = name && name !== NAMELESS ? `${name} · yep` : "yep";
}
