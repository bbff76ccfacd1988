// The rail: numbers that belong to the mechanics. Another rail needs another calibration.

import { h } from "../../parts/dom.js";
import { card, facts } from "../../parts/controls.js";
import { fixed, moment } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { changeSettings, followSettings } from "./document.js";
import { numbersForm } from "./form.js";

const said = words.settings.rail;

export function railPart(place) {
  const form = numbersForm({
    fields: [
      { name: "max_stroke_mm", label: said.max_stroke_mm, unit: "mm", min: 1, max: 5000, hint: said.max_strokeHint },
      { name: "padding_mm", label: said.padding_mm, unit: "mm", min: 0, hint: said.paddingHint },
      { name: "microsteps_per_rev", label: said.microsteps_per_rev, min: 1, max: 1000000, hint: said.microstepsHint },
    ],
    save: async (changed) => take(await changeSettings(changed)),
    question: said.question,
    yes: said.yes,
  });
  const values = facts([["when", said.when], ["range", said.range], ["scale", said.scale]]);
  const none = h("p", { class: "quiet" }, said.none);
  const take = (settings) => {
    form.take(settings);
    const found = settings.calibration;
    none.hidden = Boolean(found);
    values.element.hidden = !found;
    values.set("when", found ? moment(found.calibrated_unix_s) : "");
    const scale = found?.steps_per_mm;
    values.set("range", scale ? `${fixed(found.max_steps / scale, 1)} mm` : found ? said.steps(found.max_steps) : "");
    values.set("scale", said.perMm(fixed(scale, 2)));
    return settings;
  };
  place.append(card(said.title, h("p", { class: "quiet" }, said.what), form.element),
    card(said.calibration, none, values.element));
  return followSettings(take);
}
