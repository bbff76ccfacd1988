// One device of the list: what it is, and what an admin may do about it.

import { attribute, h, show, text } from "../../parts/dom.js";
import { ask, button, choice, field } from "../../parts/controls.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { moment } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { BY_ENTER, sendForm, sender } from "./sender.js";

const said = words.settings.devices;

/** The roles to choose from, the one with the fewest rights first. */
export const roles = () => ["observer", "operator", "admin"].map((role) => [role, said.roles[role]]);

/** The row of a device. `take` hears the list that the server answers; `gone` is called when the device was taken off it. */
export function deviceRow(number, take, gone) {
  let device = null;
  const name = h("strong", { class: "device-name" });
  const mark = h("span", { class: "tag", hidden: true }, said.isThis);
  const role = h("span", { class: "tag quiet-tag" });
  const seen = h("small", {});
  const rename = field(words.settings.devices.name, { maxlength: 64, autocomplete: "off", spellcheck: false });
  const roleChoice = choice(said.role, roles());
  const question = h("div", {});
  const save = sender(words.settings.save, () => attempt(async () => {
    const change = {};
    if (rename.input.value.trim() !== device.name) change.name = rename.input.value.trim();
    if (roleChoice.select.value !== device.role) change.role = roleChoice.select.value;
    if (Object.keys(change).length) take(await link.request("PUT", `/api/v1/devices/${number}`, change));
    toggle(false);
  }), "primary", BY_ENTER);
  const off = sender(said.off, async () => {
    const asked = device.is_this ? said.offThisAsk : said.offAsk(device.name);
    if (!(await ask(question, asked, said.off, words.cancel))) return;
    if (await attempt(() => link.request("DELETE", `/api/v1/devices/${number}`), said.offDone(device.name))) gone();
  }, "danger");
  const edit = sendForm(rename.element, roleChoice.element, h("div", { class: "row" }, save, off), question);
  const change = button(said.change, () => toggle(edit.hidden));

  function toggle(isOpen) {
    show(edit, isOpen);
    attribute(change, "aria-expanded", String(isOpen));
    text(change, isOpen ? words.close : said.change);
    nameChange();
    question.replaceChildren();
    if (!isOpen) return;
    rename.input.value = device.name;
    roleChoice.select.value = device.role;
    rename.input.focus();
  }
  /** A screen reader hears of which device the button is. */
  const nameChange = () => attribute(change, "aria-label", device && said.ofDevice(change.textContent, device.name));
  toggle(false);
  return {
    element: h("li", { class: "device" }, h("div", { class: "device-head" },
      h("div", { class: "device-what" }, h("span", { class: "row tight" }, name, mark, role), seen), change), edit),
    take(document) {
      device = document;
      text(name, device.name);
      show(mark, device.is_this);
      text(role, words.pair.roles[device.role] ?? device.role);
      const time = moment(device.last_seen_unix_s);
      text(seen, device.kind === "program" ? said.seenProgram(time) : said.seen(time));
      nameChange();
    },
  };
}
