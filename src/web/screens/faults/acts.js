// The latched fault: what it is, what to check, and the three acts that lead back to work. Each lights up in its turn.

import { card, commandButton, emptyState } from "../../parts/controls.js";
import { attribute, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt, notify } from "../../parts/notice.js";
import { moment } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { holdButton } from "../../parts/hold.js";
import { inputs } from "../../parts/inputs.js";

const said = words.faults;
const AT_WORK = ["ready", "running", "following", "ending"];
/** States behind which the axis is locked no more, or will not be once it is calibrated. */
const NOT_LOCKED = ["not_homed", "homing"];

/** @param {boolean} saysNone whether it says so when no fault is latched */
export function actsCard(saysNone) {
  const message = h("p", { class: "fault-message", role: "alert" });
  const code = h("code");
  const since = h("span");
  const remedy = h("p", { class: "fault-remedy" });
  const now = inputs();
  const acts = [acknowledgement(), arming(), calibration()];
  const sheet = card(said.latched, message, h("p", { class: "row quiet small" }, code, since),
    h("div", {}, h("h3", {}, said.check), remedy),
    h("div", { class: "pile close" }, h("h3", {}, said.now), now.element),
    h("h3", {}, said.acts), h("ol", { class: "fault-acts" }, acts.map(({ control }) => h("li", {}, control.element))));
  sheet.classList.add("fault-sheet");
  const heading = sheet.querySelector("h2");
  const none = card(said.latched, emptyState(said.none, said.noneHint));
  const element = h("div", { class: "pile" }, sheet, none);
  show(sheet, false);
  show(none, false);

  /** The fault that is on its way back to work: latched, or acknowledged a moment ago. */
  let fault = null;
  let latched = "";

  function follow(state) {
    if (state.fault) {
      // By the browser's clock, as that of a machine without a network may be wrong; once, as it would waver.
      if (state.fault.code !== fault?.code || !latched) latched = said.since(moment(Date.now() / 1000 - state.since_s));
      fault = state.fault;
    } else if (fault && AT_WORK.includes(state.state)) {
      fault = null;
      latched = "";
      notify(said.ready, "good");
    }
  }

  return {
    element,
    state(state) {
      follow(state);
      const isShown = Boolean(fault) || state.state === "disarmed";
      show(sheet, isShown);
      show(none, !isShown && saysNone);
      show(element, isShown || saysNone);
      if (!isShown) return;
      attribute(sheet, "data-latched", Boolean(state.fault));
      text(heading, state.fault ? said.latched : said.again);
      text(message, fault?.message ?? state.why);
      text(code, fault?.code);
      text(since, latched);
      text(remedy, fault?.remedy);
      show(remedy.parentElement, Boolean(fault));
      now.update(state.inputs);
      for (const one of acts) one.update(state);
    },
    leave: () => acts.at(-1).control.leave(),
  };
}

const send = (type) => attempt(() => link.command({ type }));
const isHomed = () => link.state?.range_mm != null;

function acknowledgement() {
  const control = commandButton(said.acknowledge, "acknowledge", () => send("acknowledge"), "reset");
  return {
    control,
    update({ fault, fault_remains: cause }) {
      control.update();
      settle(control, !fault, cause ? said.causeRemains : fault ? null : said.done);
    },
  };
}

function arming() {
  const control = commandButton(said.arm, "arm", () => send("arm"), "reset");
  return {
    control,
    update({ fault, state }) {
      control.update();
      const isDone = AT_WORK.includes(state);
      const why = NOT_LOCKED.includes(state) ? said.notLocked : fault ? said.first : null;
      settle(control, isDone, isDone ? said.done : why);
    },
  };
}

function calibration() {
  const control = holdButton(said.calibrateHold, "calibrate", () => send("calibrate"), () => !isHomed());
  return {
    control,
    update({ fault, state }) {
      control.update();
      text(control.button, isHomed() ? said.calibrate : said.calibrateHold);
      // The machine would take it at once, but looking comes first.
      const isLater = Boolean(fault) && link.allows("acknowledge");
      if (isLater) control.button.disabled = true;
      settle(control, false, isLater ? said.first : state === "homing" ? said.calibrating : null);
    },
  };
}

/** Says something else than the machine's refusal. */
function settle(control, isDone, why) {
  attribute(control.element, "data-done", isDone);
  if (why !== null) text(control.element.querySelector(".why"), why);
}
