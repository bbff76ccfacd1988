// The steps that ask for numbers: the mechanics, and the limits that were proven.

import { attempt } from "../../parts/notice.js";
import { button, choice, commandButton, field } from "../../parts/controls.js";
import { finishesBehindHoming } from "./homing.js";
import { h } from "../../parts/dom.js";
import { link } from "../../link.js";
import { said } from "./words.js";
import { signs } from "./signs.js";

/** Of the first envelope: low to begin with. */
const FIRST_SPEED_MM_S = 100;
/** Of the wave at the limits. */
const PERIODS = 2;

/** By the data sheets, rounded up: STEP high and low, DIR before and behind a pulse, in ns. Modules with slow couplers need longer. */
const DRIVERS = {
  "A4988": [1000, 1000, 200, 200],
  "DRV8825": [1900, 1900, 650, 650],
  "TMC2208, TMC2209": [200, 200, 100, 100],
  "DM542, DM556, CL57T": [2500, 2500, 5000, 5000],
  "TB6600": [5000, 5000, 5000, 5000],
};
const TIMING = ["pulse_high_ns", "pulse_low_ns", "dir_setup_ns", "dir_hold_ns"];

const number = (label, value, properties = {}, hint = "") =>
  field(label, { type: "number", inputmode: "decimal", step: "any", min: 0, value, ...properties }, hint);

export function numbers({ act, run }) {
  const fact = (key) => run.wiring.find((fact) => fact.key === key) ?? {};
  const travel = fact("rail.travel_per_turn_mm");
  const isFixed = travel.source === "file";
  const rail = number(said.rail, fact("settings.max_stroke_mm").value);
  const turn = number(said.turn, travel.at_next_start ?? travel.value, { disabled: isFixed }, isFixed ? said.inFile : "");
  const microsteps = number(said.microsteps, fact("settings.microsteps_per_rev").value, { inputmode: "numeric", step: 1 });
  const driver = choice(said.driver, [["", said.asItIs], ...Object.keys(DRIVERS).map((name) => [name, name])]);
  const isTimingFixed = TIMING.some((name) => fact(`timing.${name}`).source === "file");
  if (isTimingFixed) driver.offer([["", said.inFile]]);
  driver.select.disabled = isTimingFixed;
  const wiring = () => ({
    ...(!isFixed && turn.input.value !== travel.value && { travel_per_turn_mm: turn.input.valueAsNumber }),
    ...Object.fromEntries((DRIVERS[driver.select.value] ?? []).map((ns, at) => [TIMING[at], ns])),
  });
  const send = () => act("finish", {
    max_stroke_mm: Math.round(rail.input.valueAsNumber),
    microsteps_per_rev: Math.round(microsteps.input.valueAsNumber),
    wiring: wiring(),
  });
  return {
    element: h("div", { class: "stack" }, rail.element, turn.element, microsteps.element, driver.element, button(said.finish, send, "primary wide")),
  };
}

export function limits({ act, run }) {
  const { max_acceleration_mm_s2, stroke_mm, force_g } = run.envelope;
  const rail_mm = Number(run.wiring.find(({ key }) => key === "settings.max_stroke_mm")?.value ?? stroke_mm);
  const fields = {
    max_speed_mm_s: number(said.speed, FIRST_SPEED_MM_S),
    max_acceleration_mm_s2: number(said.acceleration, max_acceleration_mm_s2),
    stroke_mm: number(said.stroke, Math.floor(rail_mm / 2), { step: 1 }),
    force_g: number(said.force, force_g, { step: 1 }),
  };
  const values = () => Object.fromEntries(Object.entries(fields).map(([name, { input }]) => [name, input.valueAsNumber]));
  const start = button(said.tryThem, () => act("start", { envelope: values(), after_stop: link.state?.stops ?? 0 }), "start");
  const calibrate = commandButton(said.calibrate, "calibrate", () => attempt(() => link.command({ type: "calibrate" })));
  const seen = signs(["periods"]);
  const follow = finishesBehindHoming(act);
  let isDone = false;
  return {
    element: h("div", { class: "stack" }, Object.values(fields).map(({ element }) => element), start, seen.element, calibrate.element),
    state(state) {
      start.disabled = !link.isLive || state.state !== "ready";
      calibrate.update();
      // The wave has shown what it can: more of it proves no more.
      const isEnough = state.state === "running" && state.periods >= PERIODS;
      if (isEnough && !isDone) attempt(() => link.command({ type: "end" }));
      isDone = isEnough;
      follow(state);
    },
    hear: ({ periods }) => seen.set("periods", periods >= PERIODS, periods),
  };
}
