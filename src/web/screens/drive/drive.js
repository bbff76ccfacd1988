// Drive: what the axis does now, and the wave that it follows.

import { TOO_SLOW_MS } from "../../bar.js";
import { commandButton } from "../../parts/controls.js";
import { attribute, h, show, text } from "../../parts/dom.js";
import { LiveGraph } from "../../parts/graph.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { fixed, signed } from "../../parts/numbers.js";
import { showMore } from "../../parts/more.js";
import { isOperator } from "../../parts/role.js";
import { ways } from "../../parts/ways.js";
import { words } from "../../words.js";
import { WaveControls } from "./wave.js";
import { holdButton } from "../../parts/hold.js";

const says = words.drive;

export const drive = {
  name: "drive",
  mount(root) {
    const position = h("output", { class: "big" });
    const speed = h("output");
    const force = h("output");
    const canvas = h("canvas", { class: "graph", role: "img", "aria-label": says.graph });
    const graph = new LiveGraph(canvas);
    const controls = new WaveControls();
    const acts = showActs(controls);
    const more = showMore(controls);
    const figures = h("div", { class: "figures", "aria-label": says.figures, role: "group" }, position, speed, force);
    const chosen = h("section", { class: "card drive-controls", "aria-label": says.controls }, controls.element, acts.element, more.element);
    root.append(ways(), h("div", { class: "drive" }, h("section", { class: "card drive-view", "aria-label": says.view }, figures, canvas), chosen));

    const figure = (state) => {
      text(position, state.position_mm === null ? says.noPosition : `${fixed(state.position_mm, 1)} mm`);
      text(speed, `${signed(Math.round(state.velocity_mm_s))} mm/s`);
      text(force, state.force_g === null ? says.noForce : `${fixed(state.force_g)} g`);
    };
    return {
      state(state) {
        figure(state);
        graph.state(state);
        controls.update(state);
        acts.update(state);
        more.update(state);
      },
      live(batch) {
        graph.live();
        const [position_mm, velocity_mm_s, force_g] = batch.s[batch.s.length - 1];
        figure({ position_mm, velocity_mm_s: velocity_mm_s ?? 0, force_g });
      },
      leave() {
        graph.end();
        controls.end();
        acts.leave();
      },
    };
  },
};

/** Start, End, calibration and what leads out of a fault: what fits the state is shown. */
function showActs(controls) {
  const start = commandButton(says.start, "run", () => attempt(() => controls.start()), "start");
  const end = commandButton(says.end, "end", () => attempt(() => link.send({ type: "end" })));
  const calibrate = holdButton(says.holdToCalibrate, "calibrate", () => attempt(() => link.command({ type: "calibrate" })), () => true);
  const clear = h("p", { class: "quiet" }, says.keepClear);
  const arm = commandButton(says.arm, "arm", () => attempt(() => link.command({ type: "arm" })), "reset");
  const program = h("a", { class: "button" });
  const fault = h("a", { class: "button danger link", href: "#faults" }, says.seeFault);
  const observer = h("p", { class: "quiet" }, says.onlyLooks);
  const setUp = h("a", { class: "button primary link", href: "#first" }, words.first.open);
  const element = h("div", { class: "acts" }, controls.choice, start.element, end.element, calibrate.element, arm.element, program, fault, setUp,
    observer, clear);
  return {
    element,
    leave: calibrate.leave,
    update(state) {
      const mayMove = isOperator();
      const isNew = state.state === "not_homed";
      const isLocked = state.state === "disarmed";
      const isFault = state.state === "faulted";
      const isProgram = state.state === "following";
      const moves = isProgram || ["running", "ending"].includes(state.state);
      // Before its wiring is proven nothing moves it but the first run.
      const isUnproven = state.refused.some(({ code }) => code === "not_commissioned");
      show(setUp, isUnproven);
      const { playback } = state.in_force;
      show(program, isProgram);
      text(program, playback?.title ?? says.program);
      attribute(program, "href", playback ? `#${playback.kind}s` : "#programs");
      show(controls.element, !isProgram);
      show(controls.choice, !isProgram && !isNew && !isLocked && !isFault && !isUnproven);
      show(start.element, mayMove && !moves && !isNew && !isLocked && !isFault && !isUnproven);
      show(end.element, mayMove && moves);
      show(calibrate.element, mayMove && isNew && !isUnproven);
      show(clear, mayMove && isNew && !isUnproven);
      show(arm.element, mayMove && isLocked);
      show(fault, isFault);
      show(observer, !mayMove);
      [start, end, arm, calibrate].forEach((act) => act.update());
      // From here a STOP would come too late.
      if (link.trip_ms >= TOO_SLOW_MS) start.button.disabled = true;
    },
  };
}
