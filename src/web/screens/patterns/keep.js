// Patterns that are saved under a name.

import { ask, button, card, field } from "../../parts/controls.js";
import { attribute, fill, h, show } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { words } from "../../words.js";
import { said } from "./words.js";

const ROUTE = "/api/v1/patterns/saved/";
const LONGEST_NAME = 64;

/** `changed` is called when the list has become another one. */
export function keepCard(control, changed) {
  const list = h("ul", { class: "list" });
  const none = h("p", { class: "quiet" }, said.none);
  const question = h("div", {});
  const name = field(said.name, { maxlength: LONGEST_NAME, autocomplete: "off" }, said.saveHint);
  const save = h("button", { type: "submit", class: "button plain" }, said.save);
  const form = h("form", { class: "pattern-save", novalidate: true, onsubmit: keep }, name.element, save, question);
  let known = "";

  const isSure = (...words) => {
    fill(question);
    return ask(question, ...words);
  };

  async function keep(event) {
    event.preventDefault();
    const wanted = name.input.value.trim();
    attribute(name.input, "aria-invalid", !wanted && "true");
    if (!wanted) return name.input.focus();
    const isThere = control.document.saved.some((saved) => saved.name === wanted);
    if (isThere && !(await isSure(said.replaceAsk(wanted), said.replace, words.cancel))) return name.input.focus();
    const { speed: _, unit: __, ...settings } = control.wish;
    const body = { ...settings, speed_pct: null, strokes_per_min: null };
    const isDone = await attempt(() => link.request("PUT", ROUTE + encodeURIComponent(wanted), body), said.isSaved(wanted));
    if (isDone) name.input.value = "";
    changed();
  }

  async function remove(saved) {
    if (!(await isSure(said.removeAsk(saved), said.remove, words.cancel))) return;
    await attempt(() => link.request("DELETE", ROUTE + encodeURIComponent(saved)), said.removed(saved));
    changed();
  }

  const row = (saved, titleOf, mayMove) => h("li", { class: "entry pattern-saved" },
    h("div", {}, h("strong", {}, saved.name),
      h("small", {}, said.about(titleOf(saved), Math.round(saved.depth_pct), Math.round(saved.stroke_pct)))),
    mayMove && h("div", { class: "row" },
      button(said.load, () => control.load(saved), "plain", { "aria-label": said.of(said.load, saved.name) }),
      button(said.remove, () => remove(saved.name), "plain", { "aria-label": said.of(said.remove, saved.name) })));

  return {
    element: card(said.keep, list, none, form),
    update(titleOf, mayMove) {
      const { saved } = control.document;
      show(form, mayMove);
      save.disabled = !link.isLive;
      const now = JSON.stringify([saved, mayMove]);
      if (now === known) return;
      known = now;
      show(none, !saved.length);
      fill(list, saved.map((one) => row(one, titleOf, mayMove)));
    },
  };
}
