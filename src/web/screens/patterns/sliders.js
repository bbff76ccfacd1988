// The words of a pattern: speed, depth, stroke, sensation. While it runs they change it at once, but for a deeper or longer stroke,
// which arrives gently.

import { slider } from "../../parts/controls.js";
import { attribute, h, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { fixed, signed } from "../../parts/numbers.js";
import { stroke_mm } from "../../parts/stroke.js";
import { FASTEST_PER_MIN } from "./control.js";
import { said } from "./words.js";

const LEAST_PCT = 5;

export function patternSliders(control) {
  const mm = (percent) => said.mm(fixed(link.state ? (percent * stroke_mm(link.state)) / 100 : null));
  const range = (label, key, limits, say, send) => {
    const made = slider({
      label, ...limits, say,
      send: async (value) => {
        control.want({ [key]: value });
        await send(value);
        made.take(value);
      },
    });
    // The drawing follows each move, also of those that are not sent.
    made.input.addEventListener("input", () => control.want({ [key]: made.value }));
    return made;
  };
  const share = { min: LEAST_PCT, max: 100, step: 1 };
  const speed = range(said.speed, "speed", { min: 0, max: 100, step: 1 }, (value) => said[control.wish.unit](value),
    (value) => control.changeSpeed(value));
  const depth = range(said.depth, "depth_pct", share, mm, () => control.changeWindow());
  const stroke = range(said.stroke, "stroke_pct", share, mm, () => control.changeWindow());
  const sensation = range(said.sensation, "sensation", { min: -100, max: 100, step: 5 }, (value) => signed(value, 0),
    (value) => control.change({ sensation: value }));
  speed.element.classList.add("pattern-speed");
  const units = Object.keys(said.units).map((unit) => ({
    unit,
    button: h("button", { type: "button", class: "pattern-unit", "aria-label": said.unitNames[unit], onclick: () => control.chooseUnit(unit) },
      said.units[unit]),
  }));
  speed.element.append(h("div", { class: "pattern-units", role: "group", "aria-label": said.speedIn }, units.map(({ button }) => button)));
  const hint = h("small", { class: "pattern-hint" });
  const feels = h("small", {});
  return {
    speed: h("div", {}, speed.element, hint),
    others: h("div", { class: "pattern-others" }, depth.element, stroke.element, sensation.element, feels),
    /** `feel` says what sensation does; null if nothing. */
    update(feel, isOff) {
      const { wish } = control;
      speed.range(0, wish.unit === "share" ? 100 : FASTEST_PER_MIN);
      speed.take(wish.speed);
      depth.take(Math.round(wish.depth_pct));
      stroke.take(Math.round(wish.stroke_pct));
      sensation.take(wish.sensation);
      for (const one of [speed, depth, stroke, sensation]) one.disable(isOff || (one === sensation && !feel));
      for (const { unit, button } of units) {
        attribute(button, "aria-pressed", String(unit === wish.unit));
        button.disabled = isOff;
      }
      const waits = control.now && !control.now.paused && wish.speed === 0;
      text(hint, waits ? said.raise : wish.unit === "share" ? said.ofMost(fixed(control.most_mm_s)) : said.perMinHint);
      attribute(hint, "data-waits", Boolean(waits));
      text(feels, feel ? feel[0].toUpperCase() + feel.slice(1) : said.noSensation);
    },
  };
}
