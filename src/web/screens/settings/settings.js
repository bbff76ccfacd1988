// Settings: a list of parts, and the part that is open. On a phone one of the two is shown, on a wide screen both.

import { attribute, fill, h } from "../../parts/dom.js";
import { card } from "../../parts/controls.js";
import { link } from "../../link.js";
import { words } from "../../words.js";
import { isAdmin } from "../../parts/role.js";
import { aboutPart } from "./about.js";
import { addressCard } from "./address.js";
import { backupPart } from "./backup.js";
import { devicesPart } from "./devices.js";
import { limitsPart } from "./limits.js";
import { logPart } from "./log.js";
import { railPart } from "./rail.js";
import { refreshSenders } from "./sender.js";

/** Each part with what makes it. All but the first are for admins. */
const PARTS = { limits: limitsPart, rail: railPart, devices: devicesPart, log: logPart, backup: backupPart, about: aboutPart };
const FIRST = "limits";

/** @type {import("../../main.js").Screen} */
export const settings = {
  name: "settings",
  mount(root, [wanted]) {
    const isOpen = wanted in PARTS;
    const name = isOpen ? wanted : FIRST;
    const place = h("div", { class: "settings-part" });
    const back = h("a", { class: "settings-back", href: "#settings" }, words.settings.all);
    root.append(h("div", { class: "settings", "data-open": isOpen }, contents(name, isOpen),
      h("div", { class: "stack" }, back, place)));

    let role;
    let part = {};
    const open = () => {
      part.leave?.();
      fill(place);
      role = link.me?.role;
      part = (name === FIRST || isAdmin() ? PARTS[name] : otherRolePart(name))(place);
    };
    open();
    return {
      state(state, before) {
        // Another role may do other things.
        if (link.me?.role !== role) open();
        part.state?.(state, before);
        refreshSenders(place);
      },
      leave: () => part.leave?.(),
    };
  },
};

/** The part of that name for everybody but admins. What every role may do about its own device is there, too. */
const otherRolePart = (name) => (place) => {
  const [title] = words.settings.parts[name];
  const role = words.pair.roles[link.me?.role] ?? words.unknown;
  place.append(card(title, h("p", { class: "quiet" }, words.settings.onlyAdmin(role))));
  if (name === "devices") place.append(addressCard());
  return {};
};

/** The list of the parts. */
function contents(name, isOpen) {
  const links = Object.keys(PARTS).map((part) => {
    const [title, what] = words.settings.parts[part];
    const item = h("a", { class: "settings-link", href: `#settings/${part}`, "data-current": part === name },
      h("strong", {}, title), h("small", {}, what));
    attribute(item, "aria-current", isOpen && part === name ? "page" : null);
    return h("li", {}, item);
  });
  return h("nav", { class: "card settings-contents", "aria-label": words.settings.title },
    h("h2", {}, words.settings.title), h("ul", { class: "settings-links" }, links));
}
