// The machine's name, and when motion and holding end by themselves.

import { h } from "../../parts/dom.js";
import { card, facts, field, way } from "../../parts/controls.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { duration } from "../../parts/numbers.js";
import { showTitle } from "../../parts/title.js";
import { words } from "../../words.js";
import { changeSettings } from "./document.js";
import { BY_ENTER, sendForm, sender } from "./sender.js";

const MOST_CHARS = 64;
const said = words.settings.about;

export function aboutPart(place) {
  const { element, input } = field(said.name, { value: link.me.machine ?? "", maxlength: MOST_CHARS, autocomplete: "off" }, said.nameHint);
  const save = sender(words.settings.save, () => attempt(async () => {
    await changeSettings({ name: input.value.trim() });
    link.me.machine = input.value.trim();
    showTitle();
  }, words.settings.saved), "primary", BY_ENTER);
  const rules = facts([["longest", said.longest], ["release", said.release]]);
  const time = (seconds) => (seconds === null ? said.never : duration(seconds));
  attempt(async () => {
    const { longest_s, release_s } = (await link.request("GET", "/api/v1/sessions")).rules;
    rules.set("longest", time(longest_s));
    rules.set("release", time(release_s));
  });
  place.append(card(said.title, sendForm(element, h("div", { class: "row" }, save))),
    card(said.rules, rules.element, h("p", { class: "quiet" }, said.rulesHint)),
    way(words.first, "first"), way(words.update, "update"));
  return {};
}
