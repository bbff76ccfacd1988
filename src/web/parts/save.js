// A document as a download.

import { h } from "./dom.js";

const RELEASE_MS = 10000;

/** Hands the document over as a file of that name. */
export function save(document, download) {
  const href = URL.createObjectURL(new Blob([JSON.stringify(document, null, 2)], { type: "application/json" }));
  h("a", { href, download }).click();
  setTimeout(() => URL.revokeObjectURL(href), RELEASE_MS);
}
