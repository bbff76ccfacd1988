// The inputs.

import { card } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { words } from "../../words.js";
import { inputs } from "../../parts/inputs.js";

export function inputsCard() {
  const shown = inputs();
  return {
    element: card(words.machine.inputsTitle, shown.element, h("small", {}, words.machine.inputsHint)),
    state: (state) => shown.update(state.inputs),
  };
}
