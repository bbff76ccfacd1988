// Numbers of the server that a person may change. Nothing is sent before "Save"; then only what was changed.

import { attribute, fill, h, show } from "../../parts/dom.js";
import { ask, button } from "../../parts/controls.js";
import { notify } from "../../parts/notice.js";
import { words } from "../../words.js";
import { presenceOffer } from "./presence.js";
import { numberRow, rangeRow } from "./rows.js";
import { BY_ENTER, refreshSender, sendForm, sender } from "./sender.js";

/**
 * @typedef {{name: string, label: string, unit?: string, min?: number, max?: number, step?: number | "any", hint?: string,
 *   kind?: "range", say?: (value: number) => string}} NumberField
 */

/**
 * A form. `save` sends the changed values and resolves to all values as the server has them now. `question` is asked before, if any.
 * @param {{fields: NumberField[], save: (changed: Record<string, number>) => Promise<Record<string, number>>,
 *   question?: string, yes?: string}} options
 */
export function numbersForm({ fields, save, question, yes }) {
  const make = (field) => (field.kind === "range" ? rangeRow : numberRow)(field, changed);
  const rows = new Map(fields.map((field) => [field.name, make(field)]));
  const refusal = h("div", { class: "stack", role: "alert" });
  const place = h("div", { class: "stack" });
  const submit = sender(words.settings.save, send, "primary", BY_ENTER);
  const undo = button(words.settings.undo, () => {
    for (const row of rows.values()) row.undo();
    changed();
  });
  const buttons = h("div", { class: "row" }, submit, undo);

  function changed() {
    const isDirty = [...rows.values()].some((row) => row.isDirty);
    attribute(submit, "data-idle", !isDirty);
    refreshSender(submit);
    show(undo, isDirty);
    if (!isDirty) fill(refusal);
  }

  async function send() {
    fill(refusal);
    for (const row of rows.values()) row.clear();
    const dirty = [...rows].filter(([, row]) => row.isDirty);
    const wrong = dirty.filter(([, row]) => !row.check());
    if (wrong.length) {
      wrong[0][1].input.focus();
      return;
    }
    if (question && !(await ask(place, question, yes ?? words.settings.save, words.cancel))) return;
    try {
      take(await save(Object.fromEntries(dirty.map(([name, row]) => [name, row.value]))), true);
      notify(words.settings.saved, "good");
    } catch (problem) {
      refuse(problem);
    }
  }

  /** The server's words, with the names that stand on this form. */
  const inWords = (message) => fields.reduce((said, { name, label }) => said.replaceAll(name, `\u201c${label}\u201d`), message);

  /** What is wrong stands at its field; what has no field here stands below. */
  function refuse(problem) {
    const others = (problem.errors ?? []).filter(({ field, message, min, max }) => {
      const row = rows.get(field);
      row?.refuse(min === undefined ? inWords(message) : words.settings.between(min, max));
      return !row;
    });
    const first = [...rows.values()].find((row) => row.isWrong);
    if (first) first.input.focus();
    if (first && !others.length) return;
    const said = words.settings.failures[problem.code]
      ?? (others.length ? others.map(({ field, message }) => `${field} ${message}`).join("; ")
        : [problem.detail || problem.title || problem.message, problem.remedy].filter(Boolean).join(". "));
    const isPresenceNeeded = problem.code === "beyond_envelope";
    fill(refusal, h("p", { class: "said bad" }, said), isPresenceNeeded && presenceOffer(() => fill(refusal)));
  }

  /** The server's values. What somebody changes here just now stays, unless it was `saved`. */
  function take(values, saved = false) {
    for (const [name, row] of rows) if (name in values) row.take(values[name], saved);
    changed();
  }

  const form = sendForm(h("div", {}, [...rows.values()].map((row) => row.element)), refusal, place, buttons);
  changed();
  return {
    element: form,
    take,
    /** Says what is in force, and what may be given: `hint`, `max`, `disabled`. */
    note: (name, note) => rows.get(name).note(note),
    /** Says the values of the ranges anew, as what they depend on has changed. */
    describe: () => rows.forEach((row) => row.describe?.()),
    /** For those who may only look. */
    close() {
      for (const row of rows.values()) row.note({ disabled: true });
      show(buttons, false);
    },
  };
}
