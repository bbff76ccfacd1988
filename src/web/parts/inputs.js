// The four inputs, live: each with a shape and a word, as colour alone is not seen by everybody.

import { attribute, h, text } from "./dom.js";
import { words } from "../words.js";

const INPUTS = ["back", "front", "e_stop", "driver_alarm"];
const DANGERS = ["e_stop", "driver_alarm"];

/** The inputs of a state. */
export function inputs() {
  const shown = INPUTS.map((name) => {
    const said = h("strong", { class: "input-said" });
    const kind = DANGERS.includes(name) ? "danger" : "switch";
    const item = h("li", { class: "input", "data-kind": kind }, h("span", { class: "shape", "aria-hidden": "true" }),
      h("span", { class: "input-name" }, words.machine.inputs[name].name), said);
    return { name, item, said };
  });
  return {
    element: h("ul", { class: "inputs" }, shown.map(({ item }) => item)),
    update(values) {
      for (const { name, item, said } of shown) {
        const value = values?.[name];
        text(said, value == null ? words.unknown : words.machine.inputs[name][value ? "on" : "off"]);
        attribute(item, "data-is", value == null ? null : value ? "on" : "off");
      }
    },
  };
}
