// Draws a recording on a canvas. Colours are the custom properties of the page.

import { prepare } from "../../parts/canvas.js";
import { words } from "../../words.js";
import { extent, nearest, ticks } from "./recording_scale.js";

const FONT_PX = 12;
export const LEFT = 44;
export const RIGHT = 8;
const TOP = 20;
const BOTTOM = 24;
const BETWEEN = 24;
/** The part of the height that the position has. */
const POSITION_SHARE = 0.6;
const STRIP_PX = 5;
/** So far apart are the times at least. */
const TICK_PX = 40;

/**
 * What is drawn. Each lane has one value for each time; `sure` says where the line is thick.
 * @typedef {{label: string, values: (number|null)[], sure?: boolean[], colour: string, least?: [number, number]}} Lane
 * @typedef {{times: number[], from_s: number, to_s: number, gap_s: number, lanes: [Lane, Lane],
 *   strips: {edge: "top"|"bottom", from_s: number, to_s: number}[], note: string}} Graph
 */

/** Draws the graph, and the cursor unless it is null. */
export function paint(canvas, graph, cursor_s) {
  const prepared = prepare(canvas);
  if (!prepared || !graph) return;
  const { context, width, height, ratio, colour } = prepared;
  context.font = `${FONT_PX}px ${getComputedStyle(canvas).fontFamily}`;
  const right = width - RIGHT;
  const x = (time_s) => LEFT + ((time_s - graph.from_s) / (graph.to_s - graph.from_s)) * (right - LEFT);
  const free = height - TOP - BETWEEN - BOTTOM;
  const split = TOP + POSITION_SHARE * free;
  const places = [[TOP, split], [split + BETWEEN, height - BOTTOM]];
  const pen = { context, ratio, colour, x, right, graph };

  drawTimes(pen, places);
  const scales = graph.lanes.map((lane, index) => drawLane(pen, lane, ...places[index]));
  drawStrips(pen, ...places[0]);
  drawMark(pen, places[0][0], places[1][1]);
  if (cursor_s !== null) drawCursor(pen, cursor_s, places, scales);
}

/** A line of one pixel of the screen lies on that pixel. */
const sharp = (value, ratio) => (Math.round(value * ratio) + 0.5) / ratio;

function line({ context }, colour, width, ...points) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

function write({ context }, words, x, y, colour, align = "left") {
  context.fillStyle = colour;
  context.textAlign = align;
  context.fillText(words, x, y);
}

function drawTimes(pen, places) {
  const { graph, ratio, colour, x, right } = pen;
  const bottom = places[1][1];
  const { at, say } = ticks(graph.from_s, graph.to_s, Math.max(3, Math.floor((right - LEFT) / TICK_PX)));
  for (const time_s of at) {
    const where = sharp(x(time_s), ratio);
    for (const [top, end] of places) line(pen, colour("--line"), 1 / ratio, [where, top], [where, end]);
    const align = where > right - 20 ? "right" : "center";
    write(pen, say(time_s), Math.min(where, right), bottom + 16, colour("--quiet"), align);
  }
  write(pen, words.second, 4, bottom + 16, colour("--quiet"));
}

/** The lane's values over its grid. Returns the way from a value to its height, for the cursor. */
function drawLane(pen, lane, top, bottom) {
  const { context, ratio, colour, x, right, graph } = pen;
  write(pen, lane.label, LEFT, top - 7, colour(lane.colour));
  const range = extent(lane.values, lane.least);
  if (!range) {
    line(pen, colour("--line"), 1 / ratio, [LEFT, sharp(bottom, ratio)], [right, sharp(bottom, ratio)]);
    write(pen, graph.note, (LEFT + right) / 2, (top + bottom) / 2, colour("--quiet"), "center");
    return null;
  }
  const { at, say } = ticks(...range, Math.max(2, Math.floor((bottom - top) / 32)));
  const y = (value) => bottom - ((value - range[0]) / (range[1] - range[0])) * (bottom - top);
  for (const value of at) {
    line(pen, colour("--line"), 1 / ratio, [LEFT, sharp(y(value), ratio)], [right, sharp(y(value), ratio)]);
    write(pen, say(value), LEFT - 6, y(value) + 4, colour("--quiet"), "right");
  }
  context.save();
  context.beginPath();
  context.rect(LEFT, top - 2, right - LEFT, bottom - top + 4);
  context.clip();
  context.lineJoin = "round";
  for (const { isSure, points } of pieces(graph, lane)) {
    const way = points.map((index) => [x(graph.times[index]), y(lane.values[index])]);
    line(pen, colour(lane.colour), isSure ? 2 : 1, ...way);
  }
  context.restore();
  return y;
}

/** The parts of a line that have values without a gap, each of one thickness. */
function pieces({ times, gap_s }, { values, sure }) {
  const found = [];
  let piece = null;
  values.forEach((value, index) => {
    if (value === null) {
      piece = null;
      return;
    }
    const isSure = sure ? sure[index] : true;
    const follows = piece && times[index] - times[index - 1] <= gap_s;
    if (!follows || piece.isSure !== isSure) {
      piece = { isSure, points: follows ? [index - 1] : [] };
      found.push(piece);
    }
    piece.points.push(index);
  });
  return found;
}

/** A pressed limit switch is a bar at its edge of the position. */
function drawStrips({ context, colour, x, graph }, top, bottom) {
  context.fillStyle = colour("--warn");
  for (const { edge, from_s, to_s } of graph.strips) {
    const from = x(Math.max(from_s, graph.from_s));
    const wide = Math.max(2, x(Math.min(to_s, graph.to_s)) - from);
    context.fillRect(from, edge === "top" ? top : bottom - STRIP_PX, wide, STRIP_PX);
  }
}

/** The instant of the fault. */
function drawMark(pen, top, bottom) {
  const { context, colour, x } = pen;
  const at = x(0);
  line(pen, colour("--bad"), 2, [at, top - 4], [at, bottom]);
  context.fillStyle = colour("--bad");
  context.beginPath();
  context.moveTo(at - 6, top - 10);
  context.lineTo(at + 6, top - 10);
  context.lineTo(at, top - 1);
  context.fill();
  write(pen, words.faults.mark, at - 10, top - 4, colour("--bad"), "right");
}

function drawCursor(pen, cursor_s, places, scales) {
  const { context, ratio, colour, x, graph } = pen;
  const at = sharp(x(cursor_s), ratio);
  // At the fault there is a line already.
  if (Math.abs(at - x(0)) > 2) {
    context.setLineDash([4, 4]);
    line(pen, colour("--ink"), 1, [at, places[0][0]], [at, places[1][1]]);
    context.setLineDash([]);
  }
  const index = nearest(graph.times, cursor_s);
  graph.lanes.forEach((lane, number) => {
    const value = lane.values[index];
    if (value == null || !scales[number]) return;
    context.fillStyle = colour("--ink");
    context.beginPath();
    context.arc(x(graph.times[index]), scales[number](value), 4, 0, 2 * Math.PI);
    context.fill();
  });
}
