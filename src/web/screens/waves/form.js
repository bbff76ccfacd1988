// The fields of a wave, as its type has them. They change the draft, and show what is wrong with it.

import { attribute, h, show } from "../../parts/dom.js";
import { card } from "../../parts/controls.js";
import { words } from "../../words.js";
import { choiceWithError, lengthField, numberField } from "./fields.js";
import { INTERPOLATIONS, LENGTHS, PARTS, RAMPS, TYPES } from "./model.js";

const DIGITS = 6;

/**
 * @param {import("./model.js").Draft} draft
 * @param {{changed: () => void, convert: (field: string, unit: string) => string}} editor
 *   `convert`: the text of a length in another unit
 */
export function waveForm(draft, { changed, convert }) {
  /** @type {Map<string, any>} */
  const fields = new Map();
  const said = words.waves;

  const number = (field, properties = {}) => {
    const given = { value: draft.texts[field], hint: said.hints[field], ...properties };
    const made = numberField(said.fields[field], given, (value) => {
      draft.texts[field] = value;
      changed();
    });
    fields.set(field, made);
    return made;
  };
  const choose = (field, pairs) => {
    const made = choiceWithError(said[field], pairs, draft[field], (value) => {
      draft[field] = value;
      update();
      changed();
    });
    fields.set(field, made);
    return made;
  };

  const type = choose("type", TYPES.map((name) => [name, said.types[name]]));
  const duration = number("duration", { min: 0.05, max: 86400 });
  const rate = numberField(said.perMinute, { min: 0 }, (value) => {
    duration.input.value = draft.texts.duration = inverse(value);
    changed();
  });
  const showRate = () => { rate.input.value = inverse(draft.texts.duration); };
  duration.input.addEventListener("input", showRate);
  showRate();
  const parts = PARTS.trapezoid.map((field) => [field, number(field, { placeholder: said.share })]);
  const interpolation = choose("interpolation", INTERPOLATIONS.map((name) => [name, said.interpolations[name]]));

  const lengths = LENGTHS.map((field) => {
    const made = lengthField(said.fields[field], draft.units[field],
      { value: draft.texts[field], hint: said.hints[field], placeholder: field === "amplitude" ? said.rest : "0" },
      (value) => {
        draft.texts[field] = value;
        changed();
      },
      (unit) => {
        made.input.value = draft.texts[field] = convert(field, unit);
        draft.units[field] = unit;
        changed();
      });
    fields.set(field, made);
    return made.element;
  });
  const ramps = RAMPS.map((field) => number(field, { max: 600, placeholder: "0" }).element);
  const lease = choose("lease", Object.entries(said.leases));

  const update = () => {
    const has = PARTS[draft.type] ?? [];
    for (const [field, { element }] of parts) show(element, has.includes(field));
    attribute(fields.get("rise").input, "placeholder", draft.type === "triangle" ? said.riseHalf : said.share);
    show(interpolation.element, draft.type === "points");
  };
  update();

  return {
    elements: [
      card(said.shape, type.element, h("div", { class: "waves-fields" }, duration.element, rate.element,
        ...parts.map(([, { element }]) => element)), interpolation.element),
      card(said.place, h("div", { class: "waves-fields waves-lengths" }, ...lengths)),
      card(said.ends, h("div", { class: "waves-fields" }, ...ramps), lease.element),
    ],
    /** Shows these errors (`field`, `message`) and takes away all others; those without a field here come back. */
    fail(errors) {
      const messages = new Map();
      const others = [];
      for (const { field, message } of errors) {
        const own = field.replace(/_mm$/, "");
        if (fields.has(own) && !fields.get(own).element.hidden) messages.set(own, message);
        else others.push({ field, message });
      }
      for (const [field, made] of fields) made.fail(messages.get(field) ?? "");
      return others;
    },
    /** Shows which numbers cannot be read. True if there are such. */
    hasBad() {
      const bad = [...fields].filter(([, made]) => made.isBad && !made.element.hidden);
      for (const [, made] of bad) made.fail(said.notNumber);
      return bad.length > 0;
    },
  };
}

/** Seconds of a period from periods of a minute, and the other way round. */
function inverse(text) {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? String(Number((60 / value).toPrecision(DIGITS))) : "";
}
