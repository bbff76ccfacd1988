// Inputs of this screen: each with a place for what the server says about it.

import { attribute, h, show, text } from "../../parts/dom.js";
import { choice, field } from "../../parts/controls.js";
import { words } from "../../words.js";

/** Gives a field of `controls.js` a place for an error. `fail("")` takes the error away. */
function withError({ element, input }) {
  const error = h("p", { class: "waves-error", id: `${input.id}e`, hidden: true });
  element.append(error);
  const hints = input.getAttribute("aria-describedby");
  return {
    element,
    input,
    fail(message) {
      text(error, message);
      show(error, Boolean(message));
      attribute(input, "aria-invalid", message ? "true" : null);
      attribute(input, "aria-describedby", [hints, message && error.id].filter(Boolean).join(" ") || null);
    },
  };
}

export const fieldWithError = (label, properties, hint) => withError(field(label, properties, hint));

export function choiceWithError(label, options, value, onchange) {
  const { element, select } = choice(label, options, onchange);
  select.value = value;
  return { ...withError({ element, input: select }), select };
}

/** An input for a number. What cannot be read as one is said here, as the browser tells nobody what was typed. */
export function numberField(label, { value, placeholder, hint, min = 0, max }, oninput) {
  const made = fieldWithError(label, {
    type: "number", inputmode: "decimal", step: "any", min, max, value, placeholder, autocomplete: "off",
    oninput: () => oninput(made.input.value),
  }, hint);
  return { ...made, get isBad() { return made.input.validity.badInput; } };
}

/** A number that can be told in two units. */
export function lengthField(label, unit, properties, oninput, onunit) {
  const made = numberField(label, properties, oninput);
  const units = h("select", { "aria-label": words.waves.unitOf(label), onchange: () => onunit(units.value) },
    ...Object.entries(words.waves.units).map(([value, said]) =>
      h("option", { value, selected: value === unit }, said)));
  const pair = h("div", { class: "waves-length" });
  made.input.replaceWith(pair);
  pair.append(made.input, units);
  return made;
}
