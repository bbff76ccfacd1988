// Faults: the latched one with the way back to work, what led to it, and the recordings of earlier ones.

import { h } from "../../parts/dom.js";
import { words } from "../../words.js";
import { actsCard } from "./acts.js";
import { recordingCard } from "./graph.js";
import { recordingsCard } from "./list.js";

/** A recording goes on for a second after its fault. */
const GIVE_UP_S = 6;

export const faults = {
  name: "faults",
  mount(root, [chosen]) {
    const acts = actsCard(!chosen);
    const recording = recordingCard();
    const list = recordingsCard();
    root.append(h("div", { class: "faults" }, acts.element, recording.element, list.element));
    if (chosen) {
      open(chosen);
      // The link that was followed is gone; a keyboard goes on here.
      if (document.activeElement === document.body) root.focus({ preventScroll: true });
    }

    function open(id) {
      recording.open(id);
      list.mark(id);
    }
    function showLatched(state) {
      if (!state.fault) return;
      if (state.fault_recording !== null) open(state.fault_recording);
      else recording.say(state.since_s < GIVE_UP_S ? words.faults.making : words.faults.missing);
    }

    return {
      state(state, before) {
        const isNew = before && state.fault && !before.fault;
        // Whatever else was looked at: this one matters now.
        if (isNew && chosen) return void (location.hash = "#faults");
        if (isNew) root.scrollTop = 0;
        acts.state(state);
        if (!chosen) showLatched(state);
        if (before && (state.fault_recording !== before.fault_recording || isNew)) list.now();
      },
      leave() {
        for (const card of [acts, recording, list]) card.leave();
      },
    };
  },
};
