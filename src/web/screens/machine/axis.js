// The axis: where it is, its last calibration, and the button for the next one.

import { card, facts } from "../../parts/controls.js";
import { h, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { fixed, moment } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { holdButton } from "../../parts/hold.js";
import { poll } from "../../parts/poll.js";
import { isOperator } from "../../parts/role.js";

const STORE_POLL_MS = 5000;
const RUN_POLL_MS = 10000;
const said = words.machine;

export function axisCard() {
  const values = facts([["state", said.stateName], ["position", said.position], ["range", said.range],
    ["scale", said.scale], ["date", said.calibrated], ["spread", said.spread], ["stop", said.lastStop]]);
  const isHomed = () => link.state?.range_mm != null;
  const start = () => attempt(() => link.command({ type: "calibrate" }));
  const calibrate = holdButton(said.calibrateHold, "calibrate", start, () => !isHomed());
  const hint = h("small", {}, said.calibrateHint);

  /** The calibration that the store has; undefined until it answered. */
  let stored;
  const store = poll("/api/v1/state", STORE_POLL_MS, (document) => {
    stored = document.calibration;
    update(link.state);
  });

  const firstRun = poll("/api/v1/commissioning", RUN_POLL_MS, ({ steps }) => {
    const { spread_mm } = steps.find(({ step }) => step === "calibrate").evidence;
    values.set("spread", spread_mm === undefined ? said.noSpread : words.faults.mm(fixed(spread_mm, 2)));
  });

  function update(state) {
    if (!state) return;
    values.set("state", words.states[state.state] ?? state.state);
    values.set("position", position(state.position_mm));
    values.set("range", range(state, stored));
    values.set("scale", fixed(stored?.steps_per_mm, 2));
    values.set("date", date(stored));
    const stop = state.last_stop;
    values.set("stop", stop ? said.stopMeasured(fixed(1000 * stop.took_s), fixed(stop.way_mm, 1)) : said.noStop);
    text(calibrate.button, isHomed() ? said.calibrateAgain : said.calibrateHold);
    calibrate.update();
    text(hint, isOperator() ? said.calibrateHint : said.mayNotOperate);
  }

  return {
    element: card(said.state, values.element, calibrate.element, hint),
    state(state, before) {
      update(state);
      // A calibration is stored when it is complete.
      if (before?.state === "homing" && state.state !== "homing") store.now();
    },
    live(batch) {
      if (batch.s.length) values.set("position", position(batch.s.at(-1)[0]));
    },
    leave() {
      store.leave();
      firstRun.leave();
      calibrate.leave();
    },
  };
}

const position = (mm) => (mm == null ? said.notCalibrated : words.faults.mm(fixed(mm, 1)));

/** The range in force, or the one of the last calibration while the position is not known. */
function range(state, stored) {
  if (state.range_mm != null) return words.faults.mm(fixed(state.range_mm, 1));
  if (!stored?.steps_per_mm) return words.unknown;
  return said.storedRange(fixed(stored.max_steps / stored.steps_per_mm, 1));
}

function date(stored) {
  if (stored === undefined) return words.unknown;
  if (stored === null) return said.neverCalibrated;
  return stored.calibrated_unix_s ? moment(stored.calibrated_unix_s) : said.noDate;
}
