// The video player that scripts are in step with.

import { button, card, choice, commandButton, field } from "../../parts/controls.js";
import { attribute, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { isAdmin, isOperator } from "../../parts/role.js";
import { said } from "./words.js";

const WITH_PASSWORD = "vlc";

export function sourceCard(control) {
  const kind = choice(said.kind, Object.entries(said.kinds), () => explain());
  const address = field(said.address, { autocomplete: "off", autocapitalize: "none", spellcheck: false, maxlength: 200 }, " ");
  const hint = address.element.querySelector("small");
  const password = field(said.password, { type: "password", autocomplete: "off", maxlength: 100 }, said.passwordKept);
  const kept = password.element.querySelector("small");
  const connect = h("button", { type: "submit", class: "button plain" }, said.connect);
  const leave = button(said.disconnect, () => attempt(() => control.setSource(null)));
  const form = h("form", { class: "stack", novalidate: true, onsubmit: submit }, kind.element, address.element, password.element,
    h("div", { class: "row" }, connect, leave));
  const badge = h("span", { class: "badge" });
  const name = h("strong", {});
  const media = h("small", {});
  const now = h("div", { class: "stack" }, h("div", { class: "entry-head" }, name, badge), media);
  const follow = commandButton(said.follow, "run", () => control.play({ source: true }), "start");
  const follows = h("p", {}, said.follows);
  const asks = h("small", {}, said.needsAdmin);
  /** What the server said last: what somebody types is not replaced by the same again. */
  let known = "";

  function explain() {
    text(hint, said.addressHints[kind.select.value]);
    show(password.element, kind.select.value === WITH_PASSWORD);
  }
  async function submit(event) {
    event.preventDefault();
    const source = { kind: kind.select.value, address: address.input.value.trim() };
    attribute(address.input, "aria-invalid", !source.address && "true");
    if (!source.address) return address.input.focus();
    if (source.kind === WITH_PASSWORD && password.input.value) source.password = password.input.value;
    if (await attempt(() => control.setSource(source))) password.input.value = "";
  }
  explain();
  return {
    element: card(said.source, h("p", { class: "quiet" }, said.sourceHint), now, follow.element, follows, form, asks),
    update() {
      const { player, isActive } = control;
      if (!player) return;
      const { source } = player;
      const isIn = JSON.stringify([source?.kind, source?.address]);
      if (isIn !== known) {
        known = isIn;
        kind.select.value = source?.kind ?? "mpv";
        address.input.value = source?.address ?? "";
        explain();
      }
      show(kept, Boolean(source?.has_password));
      show(now, Boolean(source));
      text(name, source ? said.kinds[source.kind] : "");
      text(badge, source?.is_connected ? said.connected : said.notConnected);
      attribute(badge, "data-kind", source?.is_connected ? "good" : "bad");
      text(media, source?.trouble ?? (source?.media ? said.media(source.media) : said.noMedia));
      const isInStep = isActive && player.follows_source;
      show(follows, isInStep);
      show(follow.element, Boolean(source) && isOperator() && !isInStep);
      follow.update();
      show(form, isAdmin());
      show(asks, !isAdmin());
      for (const one of [kind.select, address.input, password.input, connect, leave]) one.disabled = !link.isLive;
      leave.disabled = !link.isLive || !source;
    },
  };
}
