// The patterns to choose from, each with a small drawing of what it does. Choosing starts nothing.

import { keepDrawn } from "../../parts/canvas.js";
import { fill, h, text } from "../../parts/dom.js";
import { drawPeriod, filledBy } from "../../parts/period.js";
import { course } from "./model.js";
import { said } from "./words.js";

const POINTS = 90;
/** Drawn at a speed that matters for its rests only. */
const SHOWN = { sensation: 30, speed_pct: 50 };
const SHOWN_MM = 100;
const SHOWN_MM_S = 200;

export function patternChooser(control) {
  const list = h("div", { class: "pattern-list", role: "radiogroup", "aria-label": said.choose });
  const title = h("h2", {});
  const about = h("span", { class: "quiet" });
  let inputs = new Map();
  let ends = [];

  function make(kinds) {
    inputs = new Map();
    ends.forEach((end) => end());
    ends = [];
    fill(list, kinds.map(({ id, title }) => {
      const canvas = h("canvas", { "aria-hidden": "true" });
      const { points } = course({ pattern: id, ...SHOWN }, POINTS, SHOWN_MM, SHOWN_MM_S);
      ends.push(keepDrawn(canvas, () => drawPeriod(canvas, points, { window: filledBy(points) })));
      const input = h("input", { type: "radio", name: "pattern", value: id, onchange: () => control.choose(id) });
      inputs.set(id, input);
      return h("label", { class: "pattern-kind" }, input, canvas, h("span", {}, title));
    }));
  }

  return {
    element: h("div", { class: "pattern-chooser" }, list, h("div", { class: "pattern-about" }, title, about)),
    /** `isOff` while nothing can be chosen. */
    update(kinds, isOff) {
      if (inputs.size !== kinds.length) make(kinds);
      for (const [id, input] of inputs) {
        const isChosen = id === control.wish.pattern;
        if (isChosen && !input.checked) input.parentElement.scrollIntoView?.({ block: "nearest", inline: "nearest" });
        input.checked = isChosen;
        input.disabled = isOff;
      }
      const chosen = kinds.find(({ id }) => id === control.wish.pattern);
      text(title, chosen?.title ?? said.own);
      text(about, chosen?.text ?? said.ownHint);
    },
    leave: () => ends.forEach((end) => end()),
  };
}
