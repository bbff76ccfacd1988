// A saved wave in the list: its graph, what it is, and what can be done with it.

import { h, show } from "../../parts/dom.js";
import { link } from "../../link.js";
import { ask, button } from "../../parts/controls.js";
import { attempt, complain, notify } from "../../parts/notice.js";
import { words } from "../../words.js";
import { draftFor, dropDraft } from "./drafts.js";
import { describe, editPlace, linkButton, periodPicture } from "./common.js";
import { fieldWithError } from "./fields.js";
import { forget, isSaved, save } from "./store.js";

export function savedRow({ name, wave, drawings, isWriter, reload }) {
  const picture = periodPicture(describe(wave));
  const draw = () => drawings.of(wave).then(({ positions }) => picture.draw(positions), () => picture.draw([]));
  draw();
  const runsNow = h("a", { class: "waves-chip waves-runs", href: "#drive", hidden: true }, words.waves.runsNow);
  const below = h("div", { class: "waves-below" });
  const named = (act) => ({ "aria-label": words.waves.of(act, name) });

  const run = button(words.waves.run, () =>
    attempt(() => link.command({ type: "run", saved: name }), words.waves.runs(name)), "start",
    { ...named(words.waves.run), "aria-describedby": "waves-why", disabled: true });
  const renaming = button(words.waves.rename, () => startRenaming(), "plain", named(words.waves.rename));
  const forgetting = button(words.waves.forget, () => startForgetting(), "plain", named(words.waves.forget));
  const acts = isWriter && h("div", { class: "waves-acts" }, run,
    linkButton(words.waves.edit, editPlace(name), named(words.waves.edit)), renaming, forgetting);

  /** One thing at a time stands below the row. */
  const finish = (opener) => {
    below.replaceChildren();
    opener.focus();
  };
  const startForgetting = async () => {
    below.replaceChildren();
    const isWanted = await ask(below, words.waves.forgetAsk(name), words.waves.forget, words.cancel);
    forgetting.focus();
    if (!isWanted) return;
    if (await attempt(() => forget(name), words.waves.forgotten(name))) dropDraft(`edit/${name}`);
    reload();
  };
  const startRenaming = () => {
    const form = renameForm(name, wave, () => finish(renaming), reload);
    below.replaceChildren(form.element);
    form.input.select();
  };

  const hasDraft = draftFor(`edit/${name}`);
  return {
    element: h("li", { class: "waves-row" }, picture.canvas,
      h("div", { class: "waves-what" }, h("h3", {}, name), h("p", { class: "quiet" }, describe(wave)),
        hasDraft && h("span", { class: "waves-chip" }, words.waves.unsaved), runsNow),
      acts, below),
    draw,
    state(state) {
      run.disabled = !link.allows("run");
      for (const pressed of [renaming, forgetting]) pressed.disabled = !link.isLive;
      show(runsNow, link.isLive && state?.in_force.wave?.saved === name);
    },
    leave: () => picture.leave(),
  };
}

/** The new name. The old one goes only after the new one is saved. */
function renameForm(name, wave, finish, reload) {
  const { element, input, fail } = fieldWithError(words.waves.newName(name),
    { value: name, maxlength: 64, autocomplete: "off" });
  const rename = async (event) => {
    event.preventDefault();
    const wanted = input.value.trim();
    if (wanted === name) return finish();
    fail("");
    try {
      if (await isSaved(wanted)) return fail(words.waves.nameTaken);
      await save(wanted, wave);
    } catch (problem) {
      const own = problem.errors?.find((error) => error.field === "name");
      if (own) fail(own.message);
      else complain(problem);
      return undefined;
    }
    try {
      await forget(name);
      notify(words.waves.renamed(wanted), "good");
    } catch (problem) {
      notify(words.waves.renamedTwice(wanted, name), "bad", problem.detail || problem.title);
    }
    return reload();
  };
  const form = h("form", { class: "waves-rename", novalidate: true, onsubmit: rename }, element,
    h("div", { class: "row" }, h("button", { class: "button plain", type: "submit" }, words.waves.rename),
      button(words.cancel, finish)));
  return { element: form, input };
}
