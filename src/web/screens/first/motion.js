// The steps in which the axis moves: by a held button first, then by itself.

import { button, field } from "../../parts/controls.js";
import { h, text } from "../../parts/dom.js";
import { holdButton } from "../../parts/hold.js";
import { holdToRun } from "../../parts/hold_to_run.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { finishesBehindHoming } from "./homing.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { signs } from "./signs.js";
import { said } from "./words.js";

const nudge = (label, travel) => holdToRun(label, "nudge",
  () => attempt(() => link.command({ type: "nudge", toward: "front", travel })));

export function whichWay({ act }) {
  const hold = nudge(said.holdShort, "short");
  const fronts = signs(["fronts"]);
  const answers = ["front", "back", "nowhere"].map((answer) => button(said.went[answer], () => act("finish", { answer })));
  return {
    element: h("div", { class: "stack" }, hold.element, h("h3", {}, said.itWent), h("div", { class: "row" }, answers), fronts.element),
    state: hold.update,
    hear: ({ nudges_to_the_front }) => fronts.set("fronts", nudges_to_the_front >= 2, nudges_to_the_front),
    leave: hold.leave,
  };
}

export function farNudge({ act }) {
  const hold = nudge(said.holdFar, "ruler");
  const ruler = field(said.ruler, { type: "number", inputmode: "decimal", step: "any", min: 0 });
  return {
    element: h("div", { class: "stack" }, hold.element, ruler.element,
      button(said.finish, () => act("finish", { ruler_mm: ruler.input.valueAsNumber }), "primary wide")),
    state: hold.update,
    leave: hold.leave,
  };
}

export function calibrations({ act }) {
  const isHomed = () => link.state?.range_mm != null;
  const calibrate = holdButton(words.drive.holdToCalibrate, "calibrate", () => attempt(() => link.command({ type: "calibrate" })),
    () => !isHomed());
  const seen = signs(["calibrated"]);
  const why = h("p", { class: "quiet" }, words.drive.keepClear);
  const follow = finishesBehindHoming(act);
  return {
    element: h("div", { class: "stack" }, why, calibrate.element, seen.element),
    state(state) {
      text(calibrate.button, isHomed() ? said.calibrate : words.drive.holdToCalibrate);
      calibrate.update();
      follow(state);
    },
    hear: ({ travels_steps }) => seen.set("calibrated", travels_steps.length >= 3, travels_steps.length),
    leave: calibrate.leave,
  };
}

export function proof({ act, run }) {
  const hasForce = run.steps.some(({ step, state }) => step === "force" && state !== "not_needed");
  const seen = signs(hasForce ? ["stopped", "held", "alone"] : ["stopped", "alone"]);
  const start = button(said.slowWave, () => act("start", { after_stop: link.state?.stops ?? 0 }), "start");
  return {
    element: h("div", { class: "stack" }, start, seen.element, button(said.finish, () => act("finish"), "primary wide")),
    state(state) {
      start.disabled = !link.isLive || state.state !== "ready";
    },
    hear({ stop_ms, held_by_g, client_gone }) {
      seen.set("stopped", stop_ms !== null, stop_ms === null ? "" : `${fixed(stop_ms)} ms`);
      if (hasForce) seen.set("held", held_by_g >= 200, words.machine.grams(fixed(held_by_g)));
      seen.set("alone", client_gone);
    },
  };
}
