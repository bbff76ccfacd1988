// One period of a wave on a canvas, drawn from points. Crisp on every display, in the colours of the page.

import { prepare } from "./canvas.js";

/** Room round the graph for its line, and for points that stand at its ends, in px. */
const ROOM = 12;
const LINE = 2;

/** Where on the canvas the graph is, in px of the page. From top to bottom it is the whole stroke, front to back. */
export function periodArea(canvas) {
  const { clientWidth, clientHeight } = canvas;
  const room = Math.min(ROOM, clientHeight / 10);
  return { left: room, top: room, width: clientWidth - 2 * room, height: clientHeight - 2 * room };
}

/**
 * Draws one period.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} points positions, evenly spaced over the period: 0 is the back of the stroke, 1 its front
 * @param {{window?: {from: number, to: number}|null}} [options] `window`: the part of the stroke where the wave moves
 * @returns {{context: CanvasRenderingContext2D, area: object, colour: (name: string) => string}|null}
 *   what is needed to draw on top of it; null if the canvas has no size
 */
export function drawPeriod(canvas, points, { window: part = null } = {}) {
  const pen = prepare(canvas);
  if (!pen) return null;
  const { context, colour } = pen;
  const area = periodArea(canvas);
  const y = (position) => area.top + (1 - position) * area.height;
  if (part) {
    context.fillStyle = colour("--accent-soft");
    context.fillRect(area.left, y(part.to), area.width, y(part.from) - y(part.to));
  }
  // The ends of the stroke.
  context.strokeStyle = colour("--line");
  context.lineWidth = 1;
  context.beginPath();
  for (const position of [0, 1]) {
    const line = Math.round(y(position)) + 0.5;
    context.moveTo(area.left, line);
    context.lineTo(area.left + area.width, line);
  }
  context.stroke();
  if (points.length) {
    context.strokeStyle = colour("--graph");
    context.lineWidth = LINE;
    context.lineJoin = "round";
    context.lineCap = "round";
    context.beginPath();
    points.forEach((position, index) => context.lineTo(area.left + (index / points.length) * area.width, y(position)));
    // A period ends where it begins.
    context.lineTo(area.left + area.width, y(points[0]));
    context.stroke();
  }
  return { context, area, colour };
}

/** The part of the stroke that these points fill. */
export function filledBy(points) {
  if (!points.length) return null;
  return points.reduce(({ from, to }, p) => ({ from: Math.min(from, p), to: Math.max(to, p) }), { from: 1, to: 0 });
}
