// What the list of waves and their editor have in common.

import { keepDrawn } from "../../parts/canvas.js";
import { h } from "../../parts/dom.js";
import { link } from "../../link.js";
import { words } from "../../words.js";
import { drawPeriod, filledBy } from "../../parts/period.js";

const WRITERS = ["operator", "admin", "local"];

/** Whether this page may save waves and run them. */
export const mayOperate = () => WRITERS.includes(link.me?.role);

/** A link to a part of this screen that looks like a button. */
export function linkButton(label, place, properties = {}) {
  return h("a", { class: "button plain waves-link", href: `#waves${place}`, ...properties }, label);
}

export const editPlace = (name) => `/edit/${encodeURIComponent(name)}`;

/** Type, period and rate in a few words. */
export function describe(wave) {
  const type = words.waves.types[wave.type] ?? wave.type;
  return words.waves.description(type, short(wave.duration), short(60 / wave.duration));
}

/** With the digits that matter. */
export const short = (value) => String(Number(value.toPrecision(3)));

/** A canvas with one period of a wave. `draw` gives it other points; `leave` ends it. */
export function periodPicture(label) {
  const canvas = h("canvas", { class: "waves-period", role: "img", "aria-label": words.waves.drawing(label) });
  let positions = [];
  let isEnded = false;
  const paint = () => drawPeriod(canvas, positions, { window: filledBy(positions) });
  const ended = keepDrawn(canvas, paint);
  return {
    canvas,
    draw(points) {
      if (isEnded) return;
      positions = points;
      paint();
    },
    leave() {
      isEnded = true;
      ended();
    },
  };
}
