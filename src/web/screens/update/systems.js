// The two systems of the card: which runs, which one waits, and the restart into it.

import { ask, button, card, facts } from "../../parts/controls.js";
import { h, show, text } from "../../parts/dom.js";
import { words } from "../../words.js";
import { said } from "./words.js";

/** `restart(path)` asks for the restart. */
export function systemsCard(restart) {
  const values = facts([["running", said.running], ["spare", said.spare], ["waits", said.waits], ["last", said.last], ["left", said.left]]);
  const question = h("div", {});
  const restarting = h("p", { class: "said", role: "status" });
  const hint = h("small", {}, said.onlyAtRest);
  const act = (path) => {
    const pressed = button("", async () => {
      question.replaceChildren();
      if (await ask(question, said.restartAsk(pressed.dataset.title), said.yes, words.cancel)) restart(path);
    });
    return pressed;
  };
  const acts = { restart: act("restart"), back: act("back") };

  return {
    element: card(said.systems, values.element, restarting, h("div", { class: "row" }, acts.restart, acts.back), hint, question),
    update({ systems, under_way, restarting: restarts }, isAtRest) {
      const { running, title, trial, last } = systems;
      // What is being written over starts no more.
      const spare = under_way && !under_way.check ? null : systems.spare;
      values.set("running", title);
      values.set("spare", spare ?? said.none);
      values.set("waits", trial ? said.tries(trial.title, trial.tries_left) : words.machine.none);
      values.set("last", last ? (last.stays ? said.stayed(last.title) : said.wasLeft(last.title, last.why)) : words.machine.none);
      values.set("left", leftBehind(systems.left_behind));
      text(restarting, restarts ? said.restarting : "");
      show(restarting, restarts);
      const isFree = isAtRest && !under_way && !restarts;
      offer(acts.restart, trial && trial.slot !== running && trial.title, said.restart, isFree);
      offer(acts.back, !trial && spare, said.goBack, isFree);
      show(hint, !isAtRest);
    },
  };
}

/** What was changed under the other system, and is not here. */
function leftBehind(left) {
  if (!left) return words.machine.none;
  if (left.unknown) return said.leftUnknown(left.unknown);
  return left.changed.length ? said.leftList(left.changed.join(", "), left.more) : words.machine.none;
}

/** Offers a restart into the system of that version, if there is one. */
function offer(pressed, title, label, isFree) {
  show(pressed, Boolean(title));
  if (!title) return;
  pressed.dataset.title = title;
  text(pressed, label(title));
  pressed.disabled = !isFree;
}
