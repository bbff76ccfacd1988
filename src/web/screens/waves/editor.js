// The editor of a wave: loads it, keeps what was changed until it is saved, and saves it.

import { fill, h } from "../../parts/dom.js";
import { link } from "../../link.js";
import { ask, button, card } from "../../parts/controls.js";
import { complain, notify } from "../../parts/notice.js";
import { words } from "../../words.js";
import { linkButton, mayOperate } from "./common.js";
import { draftFor, dropDraft, keepDraft } from "./drafts.js";
import { fieldWithError } from "./fields.js";
import { STARTS, draftOf, waveOf } from "./model.js";
import { waveCards } from "./cards.js";
import { isSaved, save, savedWave } from "./store.js";

const KEEP_MS = 300;
const WRONG = "[aria-invalid]:not(:disabled)";
const NOTHING = { state() {}, leave() {} };

/** `act` is `new`, with the key of a wave to begin with, or `edit`, with the name of a saved one. */
export function mountEditor(root, act, name) {
  if (!mayOperate()) {
    const back = linkButton(words.waves.back, "");
    root.append(card(words.waves.title, h("p", { class: "quiet" }, words.waves.lookOnly), back));
    return NOTHING;
  }
  if (act === "new") {
    const wave = STARTS[name] ?? { type: "sine", duration: 4 };
    return editor(root, name ? `new/${name}` : "new", draftOf(wave, words.waves.startNames[name] ?? ""), null);
  }
  let shown = NOTHING;
  let hasLeft = false;
  const load = async () => {
    fill(root, h("p", { class: "empty" }, words.waves.loading));
    try {
      const wave = await savedWave(name);
      if (hasLeft) return;
      root.replaceChildren();
      shown = editor(root, `edit/${name}`, draftOf(wave, name), name);
      shown.state();
    } catch (problem) {
      if (hasLeft) return;
      const isGone = problem.code === "unknown_wave";
      const why = isGone ? words.waves.unknownName(name) : problem.detail || problem.title;
      fill(root, card(words.waves.editTitle(name), h("p", {}, why),
        h("div", { class: "row" }, !isGone && button(words.waves.again, load), linkButton(words.waves.back, ""))));
    }
  };
  load();
  return {
    state: () => shown.state(),
    leave() {
      hasLeft = true;
      shown.leave();
    },
  };
}

/** @param {string|null} savedName the name under which the wave is saved, if it is */
function editor(root, place, original, savedName) {
  const before = JSON.stringify(original);
  const kept = draftFor(place);
  const draft = kept ?? original;
  let isDone = false;
  let timer = 0;

  const isChanged = () => JSON.stringify(draft) !== before;
  const keep = () => {
    clearTimeout(timer);
    if (isDone) return;
    if (isChanged()) keepDraft(place, draft);
    else dropDraft(place);
  };
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(keep, KEEP_MS);
  };
  const finish = () => {
    isDone = true;
    dropDraft(place);
    location.hash = "#waves";
  };

  const cards = waveCards(draft, savedName ? words.waves.editTitle(savedName) : words.waves.create, changed);
  const nameField = fieldWithError(words.waves.name, {
    value: draft.name, maxlength: 64, autocomplete: "off",
    oninput: () => {
      draft.name = nameField.input.value;
      nameField.fail("");
      changed();
    },
  }, savedName ? words.waves.nameHint(savedName) : "");
  const questions = h("div");
  const question = (...said) => {
    questions.replaceChildren();
    return ask(questions, ...said);
  };
  const saving = h("button", { type: "submit", class: "button start" }, words.waves.save);

  /** Shows what was refused at its fields; nothing that was typed is lost. */
  const refuse = (problem) => {
    const others = cards.fail(problem.errors ?? []).filter(({ field, message }) => {
      if (field === "name") nameField.fail(message);
      return field !== "name";
    });
    const wrong = root.querySelector(WRONG);
    if (!wrong || others.length) complain(problem);
    else notify(words.waves.notSaved, "bad", words.waves.marked);
    const folded = wrong?.closest("details");
    if (folded) folded.open = true;
    wrong?.focus();
  };
  const submit = async () => {
    const name = draft.name.trim();
    nameField.fail("");
    if (cards.hasBad()) return root.querySelector(WRONG).focus();
    saving.disabled = true;
    try {
      if (name !== savedName && name && (await isSaved(name))) {
        const isWanted = await question(words.waves.replaceAsk(name), words.waves.replace, words.cancel);
        if (!isWanted) return nameField.input.focus();
      }
      await save(name, waveOf(draft));
      notify(words.waves.saved(name), "good");
      finish();
    } catch (problem) {
      refuse(problem);
    } finally {
      saving.disabled = !link.isLive;
    }
    return undefined;
  };
  const cancel = async () => {
    if (!isChanged() || (await question(words.waves.discardAsk, words.waves.discard, words.waves.keepOn))) finish();
  };
  const startAgain = () => {
    isDone = true;
    dropDraft(place);
    news.leave();
    root.replaceChildren();
    Object.assign(news, editor(root, place, original, savedName));
  };

  const form = h("form", { class: "waves-editor", novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    submit();
  } }, kept && h("div", { class: "card waves-restored" }, h("p", {}, words.waves.restored),
    button(words.waves.startAgain, startAgain)),
  h("div", { class: "waves-column" }, ...cards.graph),
  h("div", { class: "waves-column" }, ...cards.fields, card(words.waves.saveTitle, nameField.element,
    h("div", { class: "row waves-ends" }, saving, button(words.cancel, cancel)), questions)));
  root.append(form);
  cards.start();
  const news = {
    state() {
      if (!questions.firstChild) saving.disabled = !link.isLive;
      cards.state();
    },
    leave() {
      keep();
      cards.leave();
    },
  };
  return news;
}
