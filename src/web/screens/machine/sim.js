// The simulated machine: whoever learns may break it, as nothing real moves. It is shown where the server has one.

import { button, card, check, facts, slider } from "../../parts/controls.js";
import { h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt, complain } from "../../parts/notice.js";
import { fixed, signed } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { poll } from "../../parts/poll.js";

const POLL_MS = 500;
/** Further than the force limit, and no further than is of use. */
const MOST_PUSH_G = 3000;
const PUSH_STEP_G = 50;
const said = words.machine;

const GROUPS = {
  switches: ["front_welded", "back_welded", "front_dead", "back_dead", "front_bounces", "back_bounces", "front_loose",
    "switches_swapped"],
  motor: ["direction_reversed", "belt_off", "motor_weak", "carriage_blocked"],
  sensor: ["load_cell_silent", "load_cell_frozen", "load_cell_noisy", "load_cell_garbage"],
  inputs: ["e_stop_open", "driver_alarm"],
  program: ["control_frozen", "step_loop_frozen"],
};

export function simulationCard() {
  /** The mishaps that are on, as the server says; those that this page does not know stay as they are. */
  let on = [];
  const put = (change) => attempt(async () => hear(await link.request("PUT", "/api/v1/sim", change)));
  const groups = Object.entries(GROUPS).map(([name, mishaps]) => mishapGroup(name, mishaps, async (mishap, isOn) => {
    const others = on.filter((other) => other !== mishap);
    await put({ mishaps: isOn ? [...others, mishap] : others });
    groups.forEach((group) => group.take(on));
  }));
  const rail = railOf();
  const values = facts([["carriage", said.carriage], ["pulses", said.byPulses]]);
  const push = slider({
    label: said.push, min: -MOST_PUSH_G, max: MOST_PUSH_G, step: PUSH_STEP_G, say: (grams) => said.grams(signed(grams)),
    send: (push_g) => link.request("PUT", "/api/v1/sim", { push_g }).then(hear, complain),
  });
  const well = button(said.allWell, () => put({ mishaps: [], push_g: 0 }));
  const controls = h("fieldset", { class: "bare", "aria-label": said.sim }, push.element, h("small", {}, said.pushHint),
    h("div", {}, groups.map((group) => group.element)), well);
  const element = card(said.sim, h("p", { class: "quiet" }, said.simHint), rail.element, values.element, controls);
  show(element, false);

  function hear({ mishaps, push_g, carriage_mm }) {
    on = mishaps;
    show(element, true);
    groups.forEach((group) => group.take(on));
    push.take(push_g);
    values.set("carriage", words.faults.mm(fixed(carriage_mm, 1)));
    rail.take(carriage_mm, link.state?.in_force.limits.stroke_limit_mm);
    well.disabled = !mishaps.length && push_g === 0;
  }
  // A real machine, or a role that may not do this: there is nothing to show.
  const sim = poll("/api/v1/sim", POLL_MS, hear, ({ status }) => status !== 404 && status !== 403);

  return {
    element,
    state() {
      controls.disabled = !link.isLive;
    },
    live(batch) {
      const [position_mm] = batch.s.at(-1) ?? [];
      values.set("pulses", position_mm == null ? said.notCalibrated : words.faults.mm(fixed(position_mm, 1)));
    },
    leave: sim.leave,
  };
}

/** Mishaps of one kind, which unfold. */
function mishapGroup(name, mishaps, change) {
  const summary = h("summary");
  const boxes = mishaps.map((mishap) => ({ mishap, ...check(said.mishaps[mishap], (isOn) => change(mishap, isOn)) }));
  return {
    element: h("details", {}, summary, h("div", { class: "checks" }, boxes.map((box) => box.element))),
    take(on) {
      const count = mishaps.filter((mishap) => on.includes(mishap)).length;
      text(summary, said.mishapsOn(said.mishapGroups[name], count));
      for (const { mishap, input } of boxes) input.checked = on.includes(mishap);
    },
  };
}

/** The rail and the carriage on it, seen from the side. */
function railOf() {
  const carriage = h("span", { class: "rail-carriage" });
  return {
    element: h("div", { class: "rail", "aria-hidden": "true" }, carriage),
    take(carriage_mm, length_mm) {
      const share = Math.max(0, Math.min(1, carriage_mm / (length_mm || Math.max(1, carriage_mm))));
      carriage.style.left = `${100 * share}%`;
    },
  };
}
