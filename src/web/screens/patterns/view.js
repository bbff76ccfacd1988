// What the pattern does: drawn over time, with the carriage moving along at its left, and what runs now in numbers.

import { keepDrawn, oncePerFrame } from "../../parts/canvas.js";
import { attribute, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { fixed } from "../../parts/numbers.js";
import { drawPeriod } from "../../parts/period.js";
import { stroke_mm } from "../../parts/stroke.js";
import { course, isDrawn } from "./model.js";
import { said } from "./words.js";

const POINTS = 360;
const DOT_PX = 6;

export function patternView(control) {
  const now = h("strong", {});
  const caption = h("span", {});
  const canvas = h("canvas", { class: "pattern-course", role: "img" });
  /** What is drawn; it is made anew when something of it has changed. */
  let drawn = { points: [], window: null };
  let before = "";
  let position_mm = null;

  const paint = oncePerFrame(() => {
    const pen = drawPeriod(canvas, drawn.points, { window: drawn.window });
    if (!pen || position_mm === null || !link.state) return;
    const { context, area, colour } = pen;
    const share = Math.max(0, Math.min(1, position_mm / stroke_mm(link.state)));
    context.fillStyle = colour("--ink");
    context.beginPath();
    context.arc(area.left, area.top + (1 - share) * area.height, DOT_PX, 0, 2 * Math.PI);
    context.fill();
  });
  const ended = keepDrawn(canvas, paint);

  function follow(title) {
    const { wish, settings, length_mm, most_mm_s } = control;
    const key = JSON.stringify([settings, length_mm, most_mm_s, title]);
    if (key === before) return;
    before = key;
    const { points, lasts_s, strokes } = course(settings, POINTS, length_mm, most_mm_s);
    const [depth, stroke] = [wish.depth_pct / 100, Math.min(wish.stroke_pct, wish.depth_pct) / 100];
    drawn = { points: points.map((point) => depth - (1 - point) * stroke), window: { from: depth - stroke, to: depth } };
    const lasts = lasts_s === null ? said.atRest : said.lasts(strokes, said.seconds(fixed(lasts_s, lasts_s < 10 ? 1 : 0)));
    const what = isDrawn(wish.pattern) ? said.example(lasts) : lasts;
    text(caption, what);
    attribute(canvas, "aria-label", said.drawing(title, what));
    paint();
  }

  return {
    element: h("div", { class: "pattern-view" }, h("p", { class: "pattern-head" }, now, caption), canvas),
    update(name) {
      const running = control.now;
      show(caption, !running);
      const { strokes = 0, strokes_per_min_now: perMin = 0, highest_mm_s = 0, paused } = running ?? {};
      const moves = perMin > 0 ? [said.now.perMin(fixed(perMin)), said.now.speed(fixed(highest_mm_s))] : [paused ? said.paused : said.rests];
      text(now, running ? [...moves, said.now.strokes(strokes)].join(" · ") : "");
      follow(name);
    },
    live(batch) {
      [position_mm] = batch.s.at(-1) ?? [null];
      paint();
    },
    leave: ended,
  };
}
