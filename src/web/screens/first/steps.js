// What a person does in each step of the first run, and what was seen of it.

import { button } from "../../parts/controls.js";
import { h, show, text } from "../../parts/dom.js";
import { inputs } from "../../parts/inputs.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { saveButton } from "../settings/backup.js";
import { calibrations, farNudge, proof, whichWay } from "./motion.js";
import { limits, numbers } from "./numbers.js";
import { scaleControls } from "../machine/scale.js";
import { signs } from "./signs.js";
import { said } from "./words.js";

/**
 * Each step's controls. `act(act, answers)` does something in the step, `put(values)` stores wiring values; `run` is the whole first
 * run as it is when the step is shown. What is returned has `element`, and may have `hear(progress, run)`, `state(state)`, `leave()`.
 */
export const STEPS = {
  own: ({ act }) => ({ element: finish(act) }),
  hardware_stop: hardwareStop,
  switches,
  numbers,
  force,
  power: ({ act }) => ({
    element: h("div", { class: "row" }, button(said.stiff, () => act("finish", { answer: "yes" }), "primary"),
      button(said.notStiff, () => act("finish", { answer: "no" }))),
  }),
  which_way: whichWay,
  how_far: farNudge,
  calibrate: calibrations,
  proof,
  limits,
  keep: ({ act }) => ({
    element: h("div", { class: "stack" }, saveButton(), h("a", { href: "#settings/devices" }, said.invite),
      button(said.kept, () => act("finish", { answer: "yes" }), "primary wide")),
  }),
};

const finish = (act, answers) => button(said.finish, () => act("finish", answers?.()), "primary wide");

function hardwareStop({ act, run }) {
  const isWired = run.wiring.some(({ key, value }) => key === "pins.e_stop" && value !== "none");
  const seen = signs(isWired ? ["stop", "opened", "closed"] : ["stop"]);
  const light = button(said.lightOut, () => act("finish", { answer: "yes" }), "primary wide");
  return {
    element: h("div", { class: "stack" }, seen.element, isWired ? finish(act) : light),
    hear({ stops, e_stop_opened, e_stop_closed }) {
      seen.set("stop", stops > 0);
      if (!isWired) return;
      seen.set("opened", e_stop_opened);
      seen.set("closed", e_stop_closed);
    },
  };
}

function switches({ act, put }) {
  const now = inputs();
  const seen = signs(["front", "back", "unplugged"]);
  const bounce = h("small", {});
  let offered = {};
  const turn = h("div", { class: "said warn stack", hidden: true }, h("p", {}, said.polarity),
    button(said.turnPolarity, () => put(offered)));
  return {
    element: h("div", { class: "stack" }, now.element, seen.element, bounce, turn,
      button(said.unplugged, () => act("unplugged")), finish(act)),
    state: (state) => now.update(state.inputs),
    hear({ front_presses, back_presses, unplugged, bounce_ms, offer }) {
      seen.set("front", front_presses >= 2, front_presses);
      seen.set("back", back_presses >= 2, back_presses);
      seen.set("unplugged", unplugged);
      text(bounce, said.bounce(fixed(bounce_ms, 1)));
      offered = Object.fromEntries(Object.entries(offer).filter(([, value]) => value !== null));
      show(turn, Object.keys(offered).length > 0);
    },
  };
}

function force({ act }) {
  const scale = scaleControls();
  const seen = signs(["toFront", "toBack"]);
  const now = h("output", { class: "big" });
  return {
    element: h("div", { class: "stack" }, now, scale.element, seen.element, finish(act)),
    state(state) {
      text(now, state.force_g === null ? words.unknown : words.machine.grams(fixed(state.force_g)));
      scale.state(state);
    },
    hear({ highest_g, lowest_g }) {
      seen.set("toFront", highest_g >= 200, words.machine.grams(fixed(highest_g)));
      seen.set("toBack", lowest_g <= -200, words.machine.grams(fixed(lowest_g)));
    },
  };
}
