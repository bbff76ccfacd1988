// Behind a STOP, an END or a taking over of a person programs wait: that is said on whatever screen is shown, with the way to
// where they may go on.

import { link } from "../link.js";
import { offer } from "./notice.js";
import { isProgram } from "./role.js";
import { words } from "../words.js";

export function watchPrograms() {
  /** How many STOPs there were when a program began to move the axis; infinite when it has left. */
  let stops = Infinity;
  let takeAway = null;
  // There it is said, too.
  const isThere = () => location.hash === "#programs";
  window.addEventListener("hashchange", () => isThere() && takeAway?.());
  link.addEventListener("state", ({ detail: { state, before } }) => {
    const [follows, followed] = [isProgram(state), isProgram(before)];
    if (follows && !followed) {
      takeAway?.();
      stops = state.stops;
    }
    const isEnded = (followed && state.state === "ending") || (stops < Infinity && state.lease.is_own);
    if (state.stops > stops || isEnded) {
      stops = Infinity;
      if (!isThere()) takeAway = offer(words.programs.wait, words.programs.title, () => { location.hash = "#programs"; });
    } else if (!follows && !state.lease.holder) {
      stops = Infinity;
    }
  });
}
