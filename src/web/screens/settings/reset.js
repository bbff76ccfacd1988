// All settings back to their defaults.

import { h } from "../../parts/dom.js";
import { ask, card } from "../../parts/controls.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { words } from "../../words.js";
import { sender } from "./sender.js";

const said = words.settings.reset;

export function resetCard() {
  const question = h("div", {});
  const reset = sender(said.reset, async () => {
    if (!(await ask(question, said.question, said.reset, words.cancel))) return;
    await attempt(() => link.request("POST", "/api/v1/settings/reset"), said.done);
  }, "danger wide");
  return card(said.title, h("p", { class: "quiet" }, said.what), reset, question);
}
