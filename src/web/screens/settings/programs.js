// Tokens for programs. Only the machine itself makes them, and each is shown once.

import { fill, h } from "../../parts/dom.js";
import { button, card, choice, field } from "../../parts/controls.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { words } from "../../words.js";
import { copyField } from "./copy.js";
import { roles } from "./device.js";
import { BY_ENTER, sendForm, sender } from "./sender.js";

const said = words.settings.programs;

/** `made` is called when there is another one. */
export function programsCard(made) {
  const name = field(said.name, { maxlength: 64, autocomplete: "off", spellcheck: false });
  const role = choice(said.role, roles());
  const place = h("div", { class: "stack" });
  const make = sender(said.make, () => attempt(async () => {
    const program = { name: name.input.value.trim(), role: role.select.value };
    const { token } = await link.request("POST", "/api/v1/devices", program);
    name.input.value = "";
    made();
    fill(place, copyField(said.token, token, said.once), button(said.done, () => fill(place, form)));
    place.querySelector("input").focus();
  }), "primary wide", BY_ENTER);
  const form = sendForm(h("p", { class: "quiet" }, said.what), name.element, role.element, make);
  fill(place, form);
  return card(said.title, place);
}
