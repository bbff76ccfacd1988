// The graph of a recording of a fault: position and force over time, with the instant of the fault. It is drawn anew
// when its size, the pixels of the screen or the colours change.

import { h } from "../dom.js";
import { LEFT, RIGHT, paint } from "./recording_paint.js";

/** @param {(time_s: number) => void} onpoint a finger or a mouse is at that time */
export function recordingGraph(onpoint) {
  const canvas = h("canvas", { class: "recording", role: "img" });
  const context = canvas.getContext("2d");
  /** @type {Graph | null} */
  let graph = null;
  let cursor_s = null;
  let asked = 0;

  const redraw = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      paint(canvas, context, graph, cursor_s);
    });
  };
  const point = (event) => {
    if (!graph) return;
    const box = canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    onpoint(graph.from_s + Math.max(0, Math.min(1, share)) * (graph.to_s - graph.from_s));
  };
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointermove", point);

  const size = new ResizeObserver(redraw);
  size.observe(canvas);
  const left = new AbortController();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw, { signal: left.signal });
  // A zoomed page and another screen have other pixels.
  window.addEventListener("resize", redraw, { signal: left.signal });

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
    leave() {
      size.disconnect();
      left.abort();
      cancelAnimationFrame(asked);
    },
  };
}
