// Sends the file of an update. The browser reads it from the disk while it is sent.

import { link, Problem } from "../../link.js";

export const ROUTE = "/api/v1/update";
/** The beginning of a file that says what is in it. */
const BEGINNING_BYTES = 4 * 1024 * 1024;

/** Whether the update would be taken; what the machine knows of it. */
export const check = (file, isOlder) => post(file.slice(0, BEGINNING_BYTES), { check: true, allow_older: isOlder });

/** Writes the update; what the machine knows at its end. */
export const take = (file, isOlder) => post(file, { allow_older: isOlder });

async function post(body, query) {
  const headers = { "yep-tab": link.tab, "content-type": "application/octet-stream" };
  const answer = await fetch(`${ROUTE}?${new URLSearchParams(query)}`, { method: "POST", headers, body });
  const document = await answer.json();
  if (!answer.ok) throw new Problem(document);
  return document;
}
