// Buttons that send something: off while there is no connection, while there is nothing to send, and while it is
// under way.

import { button } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { link } from "../../link.js";

/** A button whose act takes a while. */
export function sender(label, act, kind = "plain", properties = {}) {
  const pressed = button(label, async () => {
    pressed.dataset.busy = "";
    refreshSender(pressed);
    try {
      await act();
    } finally {
      delete pressed.dataset.busy;
      refreshSender(pressed);
    }
  }, kind, { "data-sends": true, ...properties });
  refreshSender(pressed);
  return pressed;
}

export function refreshSender(pressed) {
  pressed.disabled = !link.isLive || "busy" in pressed.dataset || "idle" in pressed.dataset;
}

/** All of them in a part of the page, when the link has changed. */
export function refreshSenders(place) {
  for (const pressed of place.querySelectorAll("[data-sends]")) refreshSender(pressed);
}

/** Makes a sender the one that the Enter key presses. */
export const BY_ENTER = { type: "submit" };

/** A form whose sender does everything. */
export function sendForm(...children) {
  return h("form", { class: "stack", novalidate: true, onsubmit: (event) => event.preventDefault() }, ...children);
}
