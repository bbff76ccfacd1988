// Behind a STOP or an END of a person programs wait: that is said on whatever screen is shown, with the way to where they may go on.

import { link } from "../link.js";
import { offer } from "./notice.js";
import { words } from "../words.js";

export function watchPrograms() {
  /** How many STOPs there were when a program began to move the axis. */
  let stops = Infinity;
  let takeAway = null;
  // There it is said, too.
  const isThere = () => location.hash === "#programs";
  window.addEventListener("hashchange", () => isThere() && takeAway?.());
  link.addEventListener("state", ({ detail: { state, before } }) => {
    if (state.state === "following" && before?.state !== "following") {
      takeAway?.();
      stops = state.stops;
    } else if (state.stops > stops || (before?.state === "following" && state.state === "ending")) {
      stops = Infinity;
      if (!isThere()) takeAway = offer(words.programs.wait, words.programs.title, () => { location.hash = "#programs"; });
    }
  });
}
