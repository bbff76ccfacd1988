// What a script asks of the axis in the present window, what was repaired in it, and the window in which it fits.

import { button, facts } from "../../parts/controls.js";
import { fill, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { fixed } from "../../parts/numbers.js";
import { isOperator } from "../../parts/role.js";
import { stroke_mm } from "../../parts/stroke.js";
import { said } from "./words.js";

const tenths = (mm) => Math.floor(10 * mm) / 10;
const short = (mm) => fixed(mm, Number.isInteger(mm) ? 0 : 1);

export function detailsOf(control, name) {
  const table = facts(["peak", "allowed", "usual", "strokes", "shortened"].map((key) => [key, said.analysis[key]]));
  const fits = h("p", {});
  const set = button("", async () => {
    const { fits_mm } = control.script(name).analysis;
    const window = around(inForce(control.player.window), tenths(fits_mm));
    const done = said.windowIs(short(window.back_mm), short(window.front_mm));
    if (await attempt(() => link.request("PATCH", "/api/v1/feeds", { window }), done)) control.forget();
  });
  const notes = h("div", { class: "said script-notes" });
  const window = h("p", { class: "quiet" });
  let known = null;
  return {
    element: h("div", { class: "stack" }, notes, table.element, fits, h("div", { class: "row" }, set), window),
    update(script) {
      set.disabled = !link.isLive || !isOperator();
      if (!script || script === known) return;
      known = script;
      const { peak_mm_s, p50_mm_s, strokes, shortened, shortened_share, fits_mm } = script.analysis;
      const { allowed_mm_s, window_mm } = script;
      table.set("peak", said.mm_s(fixed(peak_mm_s)));
      table.set("allowed", said.mm_s(fixed(allowed_mm_s)));
      table.set("usual", said.mm_s(fixed(p50_mm_s)));
      table.set("strokes", fixed(strokes));
      table.set("shortened", shortened ? said.share(shortened, fixed(100 * shortened_share, shortened_share < 0.1 ? 1 : 0)) : said.nothing);
      const isSmaller = shortened > 0 && fits_mm !== null && fits_mm < window_mm;
      text(fits, !shortened ? said.fits : isSmaller ? said.fitsIn(short(tenths(fits_mm))) : said.fitsNever);
      show(set, isSmaller);
      if (isSmaller) text(set, said.setWindow(short(tenths(fits_mm))));
      show(notes, script.notes.length > 0);
      fill(notes, h("strong", {}, said.notes), h("ul", {}, script.notes.map((note) => h("li", {}, note))));
      const { back_mm, front_mm } = inForce(control.player?.window ?? {});
      fill(window, control.player && said.window(short(tenths(back_mm)), short(tenths(front_mm))), " ",
        h("a", { href: "#programs" }, said.changeWindow));
    },
  };
}

/** A window of a longer stroke is cut off where this one ends. */
function inForce({ back_mm, front_mm }) {
  const stroke = stroke_mm(link.state);
  return { back_mm: Math.min(back_mm, stroke), front_mm: Math.min(front_mm, stroke) };
}

/** A window of that length with the same middle, as far as there is room. */
function around({ back_mm, front_mm }, length_mm) {
  const back = tenths((back_mm + front_mm - length_mm) / 2);
  return { back_mm: back, front_mm: Math.round(10 * (back + length_mm)) / 10 };
}
