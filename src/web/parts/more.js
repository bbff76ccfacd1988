// What one rarely needs of a motion: how the machine knows that somebody is there, what ends by itself, the lease.

import { button, choice } from "./controls.js";
import { attribute, h, show, text } from "./dom.js";
import { link } from "../link.js";
import { attempt } from "./notice.js";
import { duration } from "./numbers.js";
import { isProgram } from "./role.js";
import { words } from "../words.js";

const says = words.drive;

/**
 * Folded away below the controls.
 * @param {{presence: string}} controls what a start asks for
 */
export function showMore(controls) {
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
      const goesOn = isProgram(state) || inForce === "go_on";
      text(note, goesOn ? words.presence.goOn : words.presence.watch);
      attribute(note, "data-kind", goesOn ? "go_on" : inForce);
      const by = state.in_force.ends;
      text(ends, by ? says.ends[by.what](duration(by.in_s)) : "");
      text(clipped, state.clipped ? says.clipped : "");
      show(release, state.lease.is_own);
    },
  };
}
