// Drive: what the axis does now, and the wave that it follows.

import { TOO_SLOW_MS } from "../../bar.js";
import { button, choice, commandButton } from "../../parts/controls.js";
import { attribute, h, show, text } from "../../parts/dom.js";
import { LiveGraph } from "../../parts/graph.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { duration, fixed, signed } from "../../parts/numbers.js";
import { isOperator } from "../../parts/role.js";
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
    root.append(h("div", { class: "drive" }, h("section", { class: "card drive-view", "aria-label": says.view }, figures, canvas), chosen));

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
  const program = h("a", { class: "button", href: "#programs" }, says.program);
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
      show(program, isProgram);
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

/** What one rarely needs: how the machine knows that somebody is there, what ends by itself, the lease. */
function showMore(controls) {
  const presence = choice(says.presence, [["watch", says.watch], ["go_on", says.goOn]], (value) => { controls.presence = value; });
  const ends = h("p", { class: "quiet" });
  const clipped = h("p", { class: "quiet" });
  const release = button(words.lease.release, () => attempt(() => link.send({ type: "lease", act: "release" })));
  const note = h("span", { class: "presence-note" });
  const inner = h("div", { class: "more-inner" }, presence.element, ends, clipped, release);
  const element = h("details", { class: "more" }, h("summary", {}, h("span", { class: "more-word" }, says.more), note), inner);
  return {
    element,
    update(state) {
      const inForce = state.lease.presence ?? controls.presence;
      // A program counts for itself.
      const goesOn = state.state === "following" || inForce === "go_on";
      text(note, goesOn ? words.presence.goOn : words.presence.watch);
      attribute(note, "data-kind", goesOn ? "go_on" : inForce);
      const by = state.in_force.ends;
      text(ends, by ? says.ends[by.what](duration(by.in_s)) : "");
      text(clipped, state.clipped ? says.clipped : "");
      show(release, state.lease.is_own);
    },
  };
}
