// The devices that were let in, and how another one gets in.

import { fill, h } from "../../parts/dom.js";
import { card } from "../../parts/controls.js";
import { complain } from "../../parts/notice.js";
import { link } from "../../link.js";
import { words } from "../../words.js";
import { poll } from "../../parts/poll.js";
import { addressCard } from "./address.js";
import { deviceRow } from "./device.js";
import { letInCard } from "./let_in.js";
import { programsCard } from "./programs.js";

const LOOK_MS = 3000;
const said = words.settings.devices;

export function devicesPart(place) {
  const list = h("ul", { class: "list" });
  const none = h("p", { class: "quiet", hidden: true }, said.none);
  const rows = new Map();
  const letIn = letInCard();

  /** Rows are kept, as somebody may be writing in one. */
  const take = ({ devices }) => {
    none.hidden = devices.length > 0;
    for (const device of devices) {
      if (!rows.has(device.number)) rows.set(device.number, deviceRow(device.number, take, () => look.now()));
      rows.get(device.number).take(device);
    }
    const numbers = devices.map(({ number }) => number);
    for (const number of [...rows.keys()].filter((number) => !numbers.includes(number))) rows.delete(number);
    // This device first, then the one that was seen last.
    const order = [...devices].sort((a, b) => b.is_this - a.is_this || b.last_seen_unix_s - a.last_seen_unix_s);
    const elements = order.map(({ number }) => rows.get(number).element);
    for (const old of [...list.children]) if (!elements.includes(old)) old.remove();
    const isMoved = elements.some((element, index) => list.children[index] !== element);
    // A row that is moved loses the focus, so under somebody's hands new ones just follow.
    if (isMoved && !list.contains(document.activeElement)) fill(list, elements);
    else list.append(...elements.filter((element) => !element.isConnected));
    letIn.take(devices);
  };
  let isSaid = false;
  const look = poll("/api/v1/devices", LOOK_MS, take, (problem) => {
    if (!isSaid) complain(problem);
    isSaid = true;
  });
  const isLocal = link.me?.role === "local";
  place.append(card(said.title, none, list), letIn.element, isLocal ? programsCard(() => look.now()) : addressCard());
  return {
    leave() {
      look.leave();
      letIn.leave();
    },
  };
}
