// One number of a form: a field with its unit, or a range. It knows the server's value, and whether somebody changed
// it.

import { attribute, h, text } from "../../parts/dom.js";
import { words } from "../../words.js";

let nextId = 1;

/** What both kinds have in common. `describe` shows what belongs to the value. */
function row(input, wrong, changed, describe = () => {}) {
  let confirmed = null;
  let isClosed = false;
  // Nobody writes into a field whose value is still on its way.
  const enable = () => { input.disabled = isClosed || confirmed === null; };
  enable();
  const clear = () => {
    text(wrong, "");
    attribute(input, "aria-invalid", null);
  };
  const refuse = (why) => {
    text(wrong, why);
    attribute(input, "aria-invalid", "true");
  };
  const settle = () => {
    input.value = confirmed === null ? "" : String(confirmed);
    clear();
    describe();
  };
  input.addEventListener("input", () => {
    clear();
    describe();
    changed();
  });
  return {
    input,
    refuse,
    clear,
    describe,
    get value() { return Number(input.value); },
    get isDirty() { return confirmed !== null && input.value.trim() !== String(confirmed); },
    get isWrong() { return input.hasAttribute("aria-invalid"); },
    undo: settle,
    close(isOff) {
      isClosed = isOff;
      enable();
    },
    take(value, isSaved) {
      if (value === confirmed && !isSaved) return;
      const isFree = isSaved || !this.isDirty;
      confirmed = value;
      enable();
      if (isFree) settle();
    },
    /** Whether the value can be sent; says why not otherwise. */
    check() {
      const { min, max, step } = input;
      const value = input.value.trim() === "" ? NaN : Number(input.value);
      if (Number.isNaN(value)) refuse(words.settings.noNumber);
      else if (step !== "any" && !Number.isInteger(value)) refuse(words.settings.noWhole);
      else if ((min !== "" && value < min) || (max !== "" && value > max)) refuse(words.settings.between(min, max));
      return !this.isWrong;
    },
  };
}

/** A field with its unit. */
export function numberRow({ label, unit, min, max, step = 1, hint = "" }, changed) {
  const id = `n${nextId++}`;
  const said = h("small", { id: `${id}h` }, hint);
  const wrong = h("p", { class: "field-wrong", role: "alert" });
  const input = h("input", { id, type: "number", inputmode: step === 1 ? "numeric" : "decimal", min, max, step,
    autocomplete: "off", "aria-describedby": said.id });
  // The unit is seen in the field, and heard with the name.
  const heard = unit && h("span", { class: "visually-hidden" }, ` (${unit})`);
  const seen = unit && h("span", { class: "measure-unit", "aria-hidden": "true" }, unit);
  const element = h("div", { class: "measure" }, h("div", { class: "measure-name" }, h("label", { for: id }, label, heard), said),
    h("span", { class: "measure-box" }, input, seen), wrong);
  return Object.assign(row(input, wrong, changed), {
    element,
    note(note) {
      if (note.hint !== undefined) text(said, note.hint);
      if (note.max !== undefined) attribute(input, "max", note.max);
      if (note.disabled !== undefined) this.close(note.disabled);
    },
  });
}

/** A range, with its value in words. */
export function rangeRow({ label, min, max, step = 1, say }, changed) {
  const id = `n${nextId++}`;
  const shown = h("output", { for: id });
  const wrong = h("p", { class: "field-wrong", role: "alert" });
  const input = h("input", { id, type: "range", min, max, step });
  const name = h("label", { for: id }, label);
  const describe = () => {
    const said = say(Number(input.value));
    text(shown, said);
    attribute(input, "aria-valuetext", said);
  };
  return Object.assign(row(input, wrong, changed, describe), {
    element: h("div", {}, h("div", { class: "slider" }, name, input, shown), wrong),
    note(note) {
      if (note.label !== undefined) text(name, note.label);
      if (note.disabled !== undefined) this.close(note.disabled);
    },
  });
}
