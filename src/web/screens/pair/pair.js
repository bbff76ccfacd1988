// Pairing: all that a guest sees. It says nothing of what the machine does.

import { fill, h, show, text } from "../../parts/dom.js";
import { card } from "../../parts/controls.js";
import { link } from "../../link.js";
import { notify } from "../../parts/notice.js";
import { words } from "../../words.js";
import { dropCode, heldCode, isTicket } from "./address.js";
import { codeWay } from "./code.js";
import { nameField } from "./name.js";
import { switchesWay } from "./switches.js";

const LOOK_MS = 2500;

/** @type {import("../../main.js").Screen} */
export const pair = {
  name: "pair",
  mount(root) {
    const { role } = link.me ?? {};
    if (role === "guest" || !role) return mountForGuest(root);
    mountForOthers(root, role);
    return {};
  },
};

/** A device is let in: the cookie of the answer is the browser's from now on. */
async function enter(device) {
  const isGuest = link.phase === "guest";
  dropCode();
  if (!isGuest) {
    // The open socket still has the role of before.
    location.reload();
    return;
  }
  await link.connect();
  if (link.me?.role === "guest") notify(words.pair.noCookie, "bad");
  else notify(words.pair.letIn(words.pair.roles[device.role] ?? device.role), "good");
}

/** A page that is let in already, and was opened with a code or with this address. */
function mountForOthers(root, role) {
  const goOn = h("a", { class: "button primary wide", href: "#drive" }, words.pair.goOn);
  if (role === "local") {
    root.append(card(words.pair.title, h("p", {}, words.pair.local), goOn));
    return;
  }
  const name = link.me.name ?? words.unknown;
  const roleName = words.pair.roles[role] ?? role;
  if (!heldCode()) {
    root.append(card(words.pair.title, h("p", {}, words.pair.already(name, roleName)), goOn));
    return;
  }
  const way = codeWay({ name: () => name, done: enter });
  way.offer(true);
  root.append(card(words.pair.title, h("p", {}, words.pair.alreadyCode(name, roleName)), way.element, goOn));
}

function mountForGuest(root) {
  const name = nameField();
  const noLink = h("p", { class: "said bad", role: "status", hidden: true }, words.pair.noLink);
  const head = card(words.pair.title, link.me?.wrong_token && h("p", { class: "said warn" }, words.pair.wrongToken),
    h("p", {}, words.pair.what), noLink, name.element);

  const how = h("p", {});
  const done = ({ device }) => enter(device);
  const byOthers = switchesWay({ purpose: "device", label: words.pair.switchesAsk, name: name.read, done });
  const switches = card(words.pair.switches, how, byOthers.element);

  const code = codeWay({ name: name.read, done: enter });
  const byCode = card(words.pair.code, code.element);

  const anew = switchesWay({ purpose: "anew", label: words.pair.anewAsk, name: name.read, done });
  const lost = h("div", { class: "stack", hidden: true }, h("h3", {}, words.pair.anew), h("p", {}, words.pair.anewHow),
    anew.element);
  const helpTitle = h("summary", {});
  const helps = words.pair.helps.map(([title, what]) => h("div", {}, h("h3", {}, title), h("p", { class: "quiet" }, what)));
  const help = h("details", { class: "card fold" }, helpTitle, h("div", { class: "stack" }, helps, lost));

  // A code that the address brought is what the person came for.
  fill(root, head, heldCode() ? [byCode, switches] : [switches, byCode], help);
  show(name.element, !isTicket(heldCode()));

  let isFirst = true;
  const take = (ways) => {
    const { usable, busy, why } = ways.switches;
    const isOwn = byOthers.isBusy || anew.isBusy;
    show(how, !byOthers.isBusy);
    text(how, usable
      ? busy && !isOwn ? words.pair.switchesBusy : ways.is_claimed ? words.pair.switchesLater : words.pair.switchesFirst
      : words.pair.switchesNot(why));
    show(byOthers.element, usable || byOthers.isBusy);
    byOthers.enable(!busy && !anew.isBusy);
    anew.enable(!busy && !byOthers.isBusy);
    show(lost, ways.is_claimed && usable || anew.isBusy);
    const isOpen = code.offer(ways.takes_code) || usable;
    text(helpTitle, isOpen ? words.pair.help : words.pair.helpNone);
    if (isFirst) help.open = !isOpen;
    isFirst = false;
  };

  const look = async () => {
    try {
      take(await link.request("GET", "/api/v1/pairing"));
      show(noLink, false);
    } catch {
      show(noLink, true);
    }
  };
  // Another tab of this browser may have been let in.
  const seen = () => document.visibilityState === "visible" && link.phase === "guest" && link.connect();
  code.offer(false);
  look();
  const timer = setInterval(() => document.visibilityState === "visible" && look(), LOOK_MS);
  document.addEventListener("visibilitychange", seen);
  return {
    leave() {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", seen);
      byOthers.leave();
      anew.leave();
    },
  };
}
