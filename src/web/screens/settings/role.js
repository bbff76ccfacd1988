// What stands in the place of a part that this role may not open. What every role may do about its own device is
// there, too.

import { h } from "../../parts/dom.js";
import { card } from "../../parts/controls.js";
import { link } from "../../link.js";
import { words } from "../../words.js";
import { addressCard } from "./address.js";

/** The part of that name for everybody but admins. */
export const otherRolePart = (name) => (place) => {
  const [title] = words.settings.parts[name];
  const role = words.pair.roles[link.me?.role] ?? words.unknown;
  place.append(card(title, h("p", { class: "quiet" }, words.settings.onlyAdmin(role))));
  if (name === "devices") place.append(addressCard());
  return {};
};
