// The parts of the editor that stand for the wave itself: its graph, its points, and its fields.

import { keepDrawn } from "../../parts/canvas.js";
import { attribute, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { button, card, check } from "../../parts/controls.js";
import { words } from "../../words.js";
import { short } from "./common.js";
import { waveForm } from "./form.js";
import { MAX_POINTS, MIN_POINTS, periodOf, placeOf, rounded, space, waveOf } from "./model.js";
import { drawPeriod } from "../../parts/period.js";
import { pointHandles } from "./points.js";
import { latestPreview } from "./store.js";
import { pointTable } from "./table.js";

/** So long nothing more was typed: then it is drawn, and what is wrong with it is said. */
const TYPED_MS = 250;
/** There is room for the table of points beside the fields. */
const WIDE = "(min-width: 900px)";
const HELP = "waves-points-help";
/** What the canvas is to a screen reader while it has points. */
const SLIDER = { tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 1, "aria-describedby": HELP };

/** @param {import("./model.js").Draft} draft */
export function waveCards(draft, title, changed) {
  let positions = [];
  /** What is wrong with which point, by its index. */
  let wrong = new Map();
  let stroke_mm = null;
  let timer = 0;
  let hasLeft = false;

  const canvas = h("canvas", { class: "waves-period waves-graph" });
  const strokeSaid = h("span");
  const periodSaid = h("span");
  const said = h("p", { class: "waves-error", role: "status" });
  const place = () => placeOf(draft, stroke_mm ?? 1);
  const isPoints = () => draft.type === "points";

  const handles = pointHandles(canvas, draft, {
    place,
    at: (share) => {
      const { offset, amplitude } = place();
      const position = positions[Math.floor(share * positions.length)];
      return position === undefined || !(amplitude > 0) ? null : (position - offset) / amplitude;
    },
    changed: () => edited(0),
  });
  const table = pointTable(draft, handles, () => edited(TYPED_MS));
  const adding = button(words.waves.addPoint, () => handles.add());
  const removing = button(words.waves.removePoint, () => handles.remove());
  const even = check(words.waves.even, (isEven) => {
    draft.isEven = isEven;
    if (isEven) space(draft.points);
    edited(0);
  }, draft.isEven);
  const pointsError = h("p", { class: "waves-error" });
  const pointActs = h("div", { class: "waves-point-acts" }, h("div", { class: "row" }, adding, removing, even.element),
    h("p", { class: "why", id: HELP }, words.waves.pointsHelp));
  const count = h("summary");
  const numbers = h("details", { class: "waves-numbers", open: matchMedia(WIDE).matches }, count, table.element);
  const pointCard = card(words.waves.points, pointsError, numbers);
  const form = waveForm(draft, {
    changed: () => edited(TYPED_MS),
    convert(field, unit) {
      const { offset, amplitude } = place();
      if (draft.texts[field].trim() === "" || !stroke_mm) return "";
      const share = field === "offset" ? offset : amplitude;
      return String(unit === "mm" ? rounded(share * stroke_mm, 0.1) : rounded(share, 0.001));
    },
  });

  let frame = 0;
  const paint = () => {
    frame = 0;
    const { offset, amplitude } = place();
    const drawn = drawPeriod(canvas, positions, { window: { from: offset, to: offset + amplitude } });
    if (drawn && isPoints()) handles.paint(drawn, wrong);
  };
  /** A finger moves more often than a display shows. */
  const paintSoon = () => { frame ||= requestAnimationFrame(paint); };
  /** The canvas is a picture, or, with points, a control. */
  const describe = () => {
    const is = isPoints();
    canvas.classList.toggle("waves-dragged", is);
    attribute(canvas, "role", is ? "slider" : "img");
    attribute(canvas, "aria-label", is ? words.waves.points : words.waves.drawing(words.waves.types[draft.type]));
    for (const [name, value] of Object.entries(SLIDER)) {
      attribute(canvas, name, is ? value : null);
    }
    if (is) handles.describe();
    else for (const name of ["aria-valuenow", "aria-valuetext"]) attribute(canvas, name, null);
    show(pointActs, is);
    show(pointCard, is);
    adding.disabled = draft.points.length >= MAX_POINTS;
    removing.disabled = draft.points.length <= MIN_POINTS;
    text(count, words.waves.asNumbers(draft.points.length));
    text(periodSaid, `${short(periodOf(draft))} ${words.second}`);
  };
  const ask = latestPreview((preview) => {
    if (hasLeft) return;
    ({ positions, stroke_mm } = preview);
    fail([]);
    drawnNow("");
    paint();
  }, (problem) => {
    if (hasLeft) return;
    fail(problem.errors ?? []);
    const [point] = wrong;
    drawnNow(point ? words.waves.ofPoint(point[0] + 1, point[1]) : problem.detail || problem.title);
    paint();
  });
  const drawnNow = (problem) => {
    attribute(canvas, "data-old", Boolean(problem));
    text(said, problem && words.waves.notDrawn(problem));
    if (!stroke_mm) return;
    const { offset, amplitude } = place();
    const ends = [offset, offset + amplitude, 1].map((share) => rounded(share * stroke_mm, 0.1));
    text(strokeSaid, words.waves.fills(...ends));
  };
  const preview = () => {
    if (!hasLeft && !form.hasBad()) ask(waveOf(draft));
  };
  /** Something is another one: shown at once as far as this page knows it, and drawn by the server a little later. */
  function edited(after_ms) {
    describe();
    table.update();
    paintSoon();
    changed();
    clearTimeout(timer);
    if (after_ms) timer = setTimeout(preview, after_ms);
    else preview();
  }
  /** Shows errors at their fields; those that belong to none come back. */
  function fail(errors) {
    wrong = new Map();
    let whole = "";
    const others = form.fail(errors).filter(({ field, message }) => {
      const [name, index] = field.split(".");
      if (name !== "points" || !isPoints()) return true;
      if (index === undefined) whole = message;
      else wrong.set(Number(index), message);
      return false;
    });
    text(pointsError, whole);
    table.fail(wrong);
    return others;
  }

  const stopKeeping = keepDrawn(canvas, paint);
  let wasLive = link.isLive;
  return {
    graph: [
      card(title, h("div", { class: "waves-frame" },
        h("p", { class: "waves-caption" }, h("span", {}, words.waves.front), strokeSaid), canvas,
        h("p", { class: "waves-caption" }, h("span", {}, words.waves.backEnd), periodSaid)), said, pointActs),
      pointCard,
    ],
    fields: form.elements,
    fail,
    hasBad: () => form.hasBad(),
    start() {
      describe();
      table.update();
      preview();
    },
    state() {
      // What could not be drawn without a connection.
      if (link.isLive && !wasLive) preview();
      wasLive = link.isLive;
    },
    leave() {
      hasLeft = true;
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      stopKeeping();
    },
  };
}
