// The window in which programs move the axis: its two ends, and the carriage in it.

import { button, card } from "../../parts/controls.js";
import { h, show } from "../../parts/dom.js";
import { link } from "../../link.js";
import { fixed } from "../../parts/numbers.js";
import { isOperator } from "../../parts/role.js";
import { stroke_mm } from "../../parts/stroke.js";
import { range, wishes } from "./range.js";
import { said } from "./words.js";

/** The server takes no shorter one. */
const SHORTEST_MM = 1;

export function windowCard({ change }, update) {
  /** The usable stroke; the ends as they are shown. */
  let stroke = 0;
  let ends = { back_mm: 0, front_mm: 0 };
  const wish = wishes((window) => change({ window }), update);
  const done = () => wish.want(ends);
  const say = (mm) => said.mm(fixed(mm, Number.isInteger(mm) ? 0 : 1));
  const back = range({ label: said.windowBack, say, done, moved: () => moved(true) });
  const front = range({ label: said.windowFront, say, done, moved: () => moved(false) });
  const band = h("span", { class: "rail-window" });
  const carriage = h("span", { class: "rail-carriage" });
  const whole = button(said.whole, () => change({ whole_window: true }));
  const isWhole = h("small", {}, said.isWhole);

  function put(next) {
    ends = next;
    back.set(ends.back_mm);
    front.set(ends.front_mm);
    band.style.left = share(ends.back_mm);
    band.style.right = share(stroke - ends.front_mm);
  }
  const share = (mm) => `${stroke ? (100 * mm) / stroke : 0}%`;

  /** One end was moved: it takes the other one along before the window is too short. */
  function moved(isBack) {
    if (isBack) {
      const back_mm = Math.min(back.value, stroke - SHORTEST_MM);
      put({ back_mm, front_mm: Math.max(ends.front_mm, back_mm + SHORTEST_MM) });
    } else {
      // The last step of the range ends where the stroke does, which is rarely a whole number.
      const front_mm = Math.max(front.value >= Math.floor(stroke) ? stroke : front.value, SHORTEST_MM);
      put({ back_mm: Math.min(ends.back_mm, front_mm - SHORTEST_MM), front_mm });
    }
  }

  return {
    element: card(said.window, h("p", { class: "quiet" }, said.windowHint),
      h("div", { class: "rail", "aria-hidden": "true" }, band, carriage), back.element, front.element,
      h("div", { class: "row" }, whole, isWhole), !isOperator() && h("small", {}, said.needsOperator)),
    update({ window, window_is_whole }, state) {
      const isOff = !link.isLive || !isOperator();
      back.disable(isOff);
      front.disable(isOff);
      whole.disabled = isOff || window_is_whole;
      show(isWhole, window_is_whole);
      if (back.isHeld || front.isHeld || wish.isOpen) return;
      stroke = stroke_mm(state);
      for (const { input } of [back, front]) input.max = String(Math.ceil(stroke));
      // A window of a longer stroke is cut off where this one ends.
      put({ back_mm: Math.min(window.back_mm, stroke), front_mm: Math.min(window.front_mm, stroke) });
    },
    live(batch) {
      const [position_mm] = batch.s.at(-1) ?? [];
      show(carriage, position_mm != null);
      if (position_mm != null) carriage.style.left = share(Math.max(0, Math.min(position_mm, stroke)));
    },
  };
}
