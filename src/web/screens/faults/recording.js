// The graph of a recording of a fault: position and force over time, with the instant of the fault.

import { keepDrawn, oncePerFrame } from "../../parts/canvas.js";
import { h } from "../../parts/dom.js";
import { LEFT, RIGHT, paint } from "./recording_paint.js";

/** @param {(time_s: number) => void} onpoint a finger or a mouse is at that time */
export function recordingGraph(onpoint) {
  const canvas = h("canvas", { class: "recording", role: "img" });
  /** @type {Graph | null} */
  let graph = null;
  let cursor_s = null;
  const redraw = oncePerFrame(() => paint(canvas, graph, cursor_s));
  const point = (event) => {
    if (!graph) return;
    const box = canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    onpoint(graph.from_s + Math.max(0, Math.min(1, share)) * (graph.to_s - graph.from_s));
  };
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointermove", point);

  return {
    element: canvas,
    show(wanted, label) {
      graph = wanted;
      canvas.setAttribute("aria-label", label);
      redraw();
    },
    point(time_s) {
      cursor_s = time_s;
      redraw();
    },
    leave: keepDrawn(canvas, redraw),
  };
}
