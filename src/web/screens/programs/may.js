// What programs may: vibration, and whether they come from other computers.

import { button, card, check, field } from "../../parts/controls.js";
import { attribute, fill, h, show } from "../../parts/dom.js";
import { link } from "../../link.js";
import { isAdmin, isOperator } from "../../parts/role.js";
import { words } from "../../words.js";
import { BY_ENTER, refreshSenders, sendForm, sender } from "../settings/sender.js";
import { range, wishes } from "./range.js";
import { said } from "./words.js";

const STEP_PERCENT = 5;
/** Each protocol with its field of the document. */
const SWITCHES = { tcode: "tcode_beyond_loopback", buttplug: "buttplug_beyond_loopback" };

export function mayCard({ change }, update) {
  const vibration = check(said.vibration, (isOn) => change({ vibration: isOn }));
  const wish = wishes((percent) => change({ vibration_speed_share: percent / 100 }), update);
  const strongest = range({ label: said.strongest, step: STEP_PERCENT, say: said.percent, done: () => wish.want(strongest.value),
    moved: () => strongest.set(strongest.value) });
  attribute(strongest.input, "min", STEP_PERCENT);
  const switches = Object.entries(SWITCHES).map(([name, key]) => ({ key, ...check(said[name], (isOn) => change({ [key]: isOn })) }));
  const role = words.pair.roles[link.me?.role] ?? words.unknown;
  const hosts = isAdmin() ? hostList(change) : null;
  const element = card(said.may, vibration.element, h("small", {}, said.vibrationHint), strongest.element,
    !isOperator() && h("small", {}, said.needsOperator),
    h("div", {}, switches.map((one) => one.element), h("small", {}, said.openHint)),
    hosts ? hosts.element : h("p", { class: "said" }, said.needsAdmin(role)));
  return {
    element,
    update(document) {
      vibration.input.checked = document.vibration;
      vibration.input.disabled = !link.isLive || !isOperator();
      strongest.disable(vibration.input.disabled || !document.vibration);
      for (const { key, input } of switches) {
        input.checked = document[key];
        input.disabled = !link.isLive || !isAdmin();
      }
      hosts?.take(document.allowed_hosts);
      refreshSenders(element);
      if (!strongest.isHeld && !wish.isOpen) strongest.set(Math.round(100 * document.vibration_speed_share));
    },
  };
}

/** The computers that may, for an admin. */
function hostList(change) {
  let hosts = [];
  const list = h("ul", { class: "list" });
  const any = h("p", { class: "quiet" }, said.anyHost);
  const typed = field(said.host, { inputmode: "url", autocomplete: "off", autocapitalize: "none", spellcheck: false,
    placeholder: said.hostExample });
  const add = sender(said.add, async () => {
    const host = typed.input.value.trim();
    if (host && (await change({ allowed_hosts: [...hosts, host] }))) typed.input.value = "";
    typed.input.focus();
  }, "plain", BY_ENTER);
  const row = (host) => h("li", { class: "row spread" }, h("span", { class: "mono" }, host),
    button(said.remove, () => change({ allowed_hosts: hosts.filter((other) => other !== host) }), "plain",
      { "aria-label": said.removeHost(host) }));
  return {
    element: h("div", { class: "stack" }, h("h3", {}, said.hosts), any, list, sendForm(typed.element, add)),
    take(next) {
      if (JSON.stringify(next) === JSON.stringify(hosts)) return;
      hosts = next;
      show(any, !hosts.length);
      fill(list, hosts.map(row));
    },
  };
}
