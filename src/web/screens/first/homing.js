// A step that a calibration finishes.

/** A calibration is written down a moment behind its end. */
const WRITTEN_MS = 400;

/** Takes each state of the machine, and finishes the step behind a calibration. */
export function finishesBehindHoming(act) {
  let wasHoming = false;
  return (state) => {
    if (wasHoming && state.state === "ready") setTimeout(act, WRITTEN_MS, "finish");
    wasHoming = state.state === "homing";
  };
}
