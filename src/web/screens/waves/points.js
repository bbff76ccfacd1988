// Points of a wave on its graph: dragged with a finger or a mouse, or moved with the keys.

import { attribute } from "../../parts/dom.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { periodArea } from "../../parts/period.js";
import { MAX_POINTS, MIN_POINTS, periodOf, rounded, space, timeStep } from "./model.js";

/** A finger that comes down so near takes the point, in px. */
const REACH = 32;
/** Dragged points keep this distance, as a share of the period. */
const GAP = 0.002;
const FINE = 0.01;
const COARSE = 0.1;
const POSITION_STEP = 0.001;

const within = (value, from, to) => Math.min(to, Math.max(from, value));

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("./model.js").Draft} draft
 * @param {object} editor
 * @param {() => {offset: number, amplitude: number}} editor.place where the graph is in the stroke
 * @param {(share: number) => number|null} editor.at the graph at that share of the period
 * @param {() => void} editor.changed a point is another, or another one is chosen
 */
export function pointHandles(canvas, draft, { place, at, changed }) {
  let chosen = 0;
  let dragged = false;

  /** Where each point is on the canvas. */
  const onCanvas = () => {
    const { left, top, width, height } = periodArea(canvas);
    const { offset, amplitude } = place();
    return draft.points.map(([t, p]) => [left + t * width, top + (1 - offset - amplitude * within(p, 0, 1)) * height]);
  };
  const ofEvent = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const choose = (index) => {
    chosen = within(index, 0, draft.points.length - 1);
    changed();
  };
  const move = (t, p) => {
    const { points } = draft;
    const point = points[chosen];
    point[1] = rounded(within(p, 0, 1), POSITION_STEP);
    if (!draft.isEven) {
      const from = chosen > 0 ? points[chosen - 1][0] + GAP : 0;
      const to = (points[chosen + 1]?.[0] ?? 1) - GAP;
      const period = periodOf(draft);
      if (from <= to) point[0] = within(rounded(t * period, timeStep(period)) / period, from, to);
    }
    changed();
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (draft.type !== "points" || event.button !== 0) return;
    const [x, y] = ofEvent(event);
    const far = onCanvas().map(([px, py]) => Math.hypot(px - x, py - y));
    const nearest = far.indexOf(Math.min(...far));
    if (far[nearest] > REACH) return;
    dragged = true;
    canvas.setPointerCapture(event.pointerId);
    choose(nearest);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const [x, y] = ofEvent(event);
    const area = periodArea(canvas);
    const { offset, amplitude } = place();
    const position = 1 - (y - area.top) / area.height;
    move((x - area.left) / area.width, amplitude > 0 ? (position - offset) / amplitude : draft.points[chosen][1]);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, () => { dragged = false; });
  }

  const handles = {
    get chosen() { return chosen; },
    choose,
    /** A new point half-way to the next one, on the graph. */
    add() {
      const { points } = draft;
      if (points.length >= MAX_POINTS) return;
      const [t, p] = points[chosen];
      const [nextT, nextP] = points[chosen + 1] ?? [1, points[0][1]];
      const middle = (t + nextT) / 2;
      points.splice(chosen + 1, 0, [middle, rounded(within(at(middle) ?? (p + nextP) / 2, 0, 1), POSITION_STEP)]);
      if (draft.isEven) space(points);
      choose(chosen + 1);
    },
    remove(index = chosen) {
      if (draft.points.length <= MIN_POINTS) return;
      draft.points.splice(index, 1);
      if (draft.isEven) space(draft.points);
      choose(index < chosen ? chosen - 1 : chosen);
    },
    /** What a screen reader is told about the canvas. */
    describe() {
      chosen = within(chosen, 0, draft.points.length - 1);
      const [t, p] = draft.points[chosen];
      const period = periodOf(draft);
      attribute(canvas, "aria-valuenow", p ?? 0);
      attribute(canvas, "aria-valuetext",
        words.waves.pointSaid(chosen + 1, draft.points.length, rounded(t * period, timeStep(period)), fixed(p, 3)));
    },
    /** Draws the points; those that are wrong stand out. */
    paint({ context, colour }, wrong) {
      const { length } = draft.points;
      const radius = length > 200 ? 2 : length > 40 ? 4 : 6;
      context.lineWidth = 2;
      const [right, bad, ground] = ["--graph", "--bad", "--card"].map(colour);
      onCanvas().forEach((where, index) => {
        const line = wrong.has(index) ? bad : right;
        context.strokeStyle = line;
        context.fillStyle = index === chosen ? line : ground;
        context.beginPath();
        context.arc(...where, index === chosen ? radius + 3 : radius, 0, 2 * Math.PI);
        context.fill();
        context.stroke();
      });
    },
  };

  canvas.addEventListener("keydown", (event) => {
    if (draft.type !== "points" || event.altKey || event.ctrlKey || event.metaKey) return;
    const by = event.shiftKey ? COARSE : FINE;
    const [t, p] = draft.points[chosen];
    const acts = {
      ArrowUp: () => move(t, p + by),
      ArrowDown: () => move(t, p - by),
      ArrowLeft: () => move(t - by, p),
      ArrowRight: () => move(t + by, p),
      PageUp: () => choose(chosen - 1),
      PageDown: () => choose(chosen + 1),
      Home: () => choose(0),
      End: () => choose(draft.points.length - 1),
      Delete: () => handles.remove(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
  return handles;
}
