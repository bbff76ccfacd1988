// The settings document: read while it is shown, as another device may change it, and changed.

import { link } from "../../link.js";
import { complain } from "../../parts/notice.js";
import { poll } from "../../parts/poll.js";

const ROUTE = "/api/v1/settings";
const LOOK_MS = 5000;

/** Hears the document now and then, until `leave`. */
export const followSettings = (hear) => poll(ROUTE, LOOK_MS, hear, once(complain));

export const changeSettings = (changed) => link.request("PUT", ROUTE, changed);

/** A complaint each few seconds would hide everything else. */
function once(say) {
  let isSaid = false;
  return (problem) => {
    if (!isSaid) say(problem);
    isSaid = true;
  };
}
