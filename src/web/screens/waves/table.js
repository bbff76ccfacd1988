// The points of a wave as numbers: what the canvas shows, for keyboards, screen readers, and exact values.

import { attribute, fill, h, show, text } from "../../parts/dom.js";
import { button } from "../../parts/controls.js";
import { words } from "../../words.js";
import { periodOf, rounded, timeStep } from "./model.js";

/** A thousand rows would make a phone slow. */
const PAGE = 50;

/**
 * @param {import("./model.js").Draft} draft
 * @param {{chosen: number, choose: (index: number) => void}} handles
 * @param {() => void} changed
 */
export function pointTable(draft, handles, changed) {
  const body = h("tbody");
  const range = h("span", { class: "quiet" });
  const turn = (by) => () => handles.choose(first + by);
  const earlier = button(words.waves.earlier, turn(-PAGE));
  const later = button(words.waves.later, turn(PAGE));
  const pager = h("div", { class: "row" }, earlier, later, range);
  let first = 0;
  let rows = [];
  let errors = new Map();

  const makeRow = (index) => {
    const number = index + 1;
    const errorId = `waves-point-${number}`;
    const input = (column, label, properties) => h("input", {
      type: "number", inputmode: "decimal", step: "any", min: 0, "aria-label": words.waves.ofPoint(number, label),
      onfocus: () => handles.chosen !== index && handles.choose(index),
      oninput: (event) => {
        const { value } = event.target;
        const typed = value === "" ? null : Number(value);
        draft.points[index][column] = column === 0 && typed !== null ? typed / periodOf(draft) : typed;
        changed();
      },
      ...properties,
    });
    const time = input(0, words.waves.time);
    const position = input(1, words.waves.position, { max: 1 });
    const error = h("p", { class: "waves-error", id: errorId });
    const element = h("tr", {}, h("th", { scope: "row" }, number), h("td", {}, time), h("td", {}, position));
    const below = h("tr", { hidden: true }, h("td", { colspan: 3 }, error));
    return {
      elements: [element, below],
      update() {
        const period = periodOf(draft);
        const [t, p] = draft.points[index];
        put(time, t === null ? "" : rounded(t * period, timeStep(period) / 10));
        put(position, p ?? "");
        attribute(time, "disabled", draft.isEven);
        attribute(element, "data-chosen", handles.chosen === index);
        const message = errors.get(index) ?? "";
        text(error, message);
        show(below, Boolean(message));
        for (const said of [time, position]) {
          attribute(said, "aria-invalid", message ? "true" : null);
          attribute(said, "aria-describedby", message ? errorId : null);
        }
      },
    };
  };

  const columns = [words.waves.point, words.waves.time, words.waves.position];
  const table = h("table", { class: "waves-table" },
    h("thead", {}, h("tr", {}, ...columns.map((label) => h("th", { scope: "col" }, label)))), body);

  const update = () => {
    const { length } = draft.points;
    const wanted = Math.floor(handles.chosen / PAGE) * PAGE;
    const count = Math.min(PAGE, length - wanted);
    if (wanted !== first || count !== rows.length) {
      first = wanted;
      rows = Array.from({ length: count }, (_, index) => makeRow(first + index));
      fill(body, rows.flatMap((row) => row.elements));
    }
    rows.forEach((row) => row.update());
    show(pager, length > PAGE);
    earlier.disabled = first === 0;
    later.disabled = first + PAGE >= length;
    text(range, words.waves.pointsShown(first + 1, first + count, length));
  };
  return {
    element: h("div", { class: "waves-points-table" }, table, pager),
    update,
    /** Messages by the index of the point. */
    fail(messages) {
      errors = messages;
      update();
    },
  };
}

/** A number, unless it is being typed. */
function put(input, value) {
  const said = String(value);
  if (document.activeElement !== input && input.value !== said) input.value = said;
}
