// The chart that bounds the speed by the force: ten shares of a full speed, at 0 to 90 % of the force limit. At the
// limit it is 0.

import { h } from "../../parts/dom.js";
import { card } from "../../parts/controls.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { changeSettings } from "./document.js";
import { numbersForm } from "./form.js";

const POINTS = 10;
const CHART = "stroke_force_chart_percent";
const said = words.settings.chart;

const names = Array.from({ length: POINTS }, (_, index) => `point${index}`);
const pointsOf = (settings) => Object.fromEntries(names.map((name, index) => [name, settings[CHART][index]]));

export function chartCard() {
  let settings = null;
  /** Speed at 100 %, in mm/s. */
  const full_mm_s = () => settings && settings.tick_stroke_limit_mm * settings.wave_resolution_hz;
  const say = (percent) => said.value(percent, settings ? fixed((percent / 100) * full_mm_s()) : words.unknown);
  const points = numbersForm({
    fields: names.map((name, index) => ({ name, kind: "range", label: said.at(10 * index), min: 0, max: 100, say })),
    async save(changed) {
      const chart = settings[CHART].map((percent, index) => changed[names[index]] ?? percent);
      return pointsOf(take(await changeSettings({ [CHART]: chart })));
    },
  });
  const scale = numbersForm({
    fields: [
      { name: "tick_stroke_limit_mm", label: said.tick, unit: "mm", min: 1, max: 1000, hint: said.tickHint },
      { name: "wave_resolution_hz", label: said.rate, unit: "Hz", min: 1, max: 10000 },
    ],
    save: async (changed) => take(await changeSettings(changed)),
  });

  function take(document) {
    settings = document;
    points.take(pointsOf(document));
    names.forEach((name, index) => {
      points.note(name, { label: said.at(fixed((index / POINTS) * document.force_limit_g)) });
    });
    scale.take(document);
    points.describe();
    return document;
  }
  const fold = h("details", { class: "fold inner" }, h("summary", {}, said.scale), scale.element);
  return { element: card(said.title, h("p", { class: "quiet" }, said.what), points.element, fold), take };
}
