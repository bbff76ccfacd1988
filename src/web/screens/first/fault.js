// A fault on the way, which a step may even ask for: what it is, and the acts that lead on.

import { commandButton } from "../../parts/controls.js";
import { h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { words } from "../../words.js";
import { said } from "./words.js";

export function faultActs() {
  const what = h("p", { class: "fault-remedy" });
  const remedy = h("p", { class: "fault-remedy" });
  const send = (type) => () => attempt(() => link.command({ type }));
  const acknowledge = commandButton(said.acknowledge, "acknowledge", send("acknowledge"), "reset");
  const arm = commandButton(words.drive.arm, "arm", send("arm"), "reset");
  const element = h("div", { class: "said warn stack", hidden: true }, what, remedy, acknowledge.element, arm.element);
  return {
    element,
    state({ state, fault }) {
      show(element, Boolean(fault) || state === "disarmed");
      text(what, fault?.message ?? words.states.disarmed);
      text(remedy, fault?.remedy);
      show(acknowledge.element, Boolean(fault));
      show(arm.element, !fault);
      acknowledge.update();
      arm.update();
    },
  };
}
