// The same phone under another address of this machine: browsers keep the permission of each address apart, so a
// ticket is taken along.

import { fill, h, text } from "../../parts/dom.js";
import { button, card, field } from "../../parts/controls.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { duration } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { BY_ENTER, sendForm, sender } from "./sender.js";

const CLOCK_MS = 1000;
const said = words.settings.address;

/** The host that somebody typed, with the port of this page if it has none: no path, no other scheme. Null if it is none. */
function hostOf(typed) {
  const bare = typed.trim().replace(/^[a-z]+:\/\//i, "").replace(/\/.*$/, "");
  try {
    const address = new URL(`${location.protocol}//${bare}`);
    if (!address.port && location.port && !/:\d+$/.test(bare)) address.port = location.port;
    return bare && !address.username ? address.host : null;
  } catch {
    return null;
  }
}

export function addressCard() {
  const other = field(said.other, {
    inputmode: "url", autocomplete: "off", autocapitalize: "none", spellcheck: false, placeholder: said.example,
  }, said.otherHint(location.host));
  const wrong = h("p", { class: "field-wrong", role: "alert" });
  const place = h("div", { class: "stack" });
  let timer = 0;
  other.input.addEventListener("input", () => text(wrong, ""));
  const reset = () => {
    clearInterval(timer);
    fill(place, form);
  };
  const make = sender(said.make, async () => {
    const host = hostOf(other.input.value);
    if (!host || host === location.host) {
      text(wrong, host ? said.same : said.none);
      other.input.focus();
      return;
    }
    await attempt(async () => {
      const { ticket, expires_s } = await link.request("POST", "/api/v1/pairing/ticket");
      const left = h("span", { class: "quiet" });
      const until = performance.now() + 1000 * expires_s;
      const count = () => {
        const left_s = (until - performance.now()) / 1000;
        text(left, words.pair.left(duration(Math.max(0, left_s))));
        if (left_s <= 0 || !place.isConnected) reset();
      };
      const href = `${location.protocol}//${host}/#pair=${ticket}`;
      const open = h("a", { class: "button primary wide", href, target: "_blank", rel: "noreferrer" }, said.open(host));
      fill(place, h("p", {}, said.once), open, h("div", { class: "row spread" }, left, button(words.cancel, reset)));
      timer = setInterval(count, CLOCK_MS);
      count();
      open.focus();
    });
  }, "plain wide", BY_ENTER);
  const form = sendForm(h("p", { class: "quiet" }, said.what), other.element, wrong, make);
  fill(place, form);
  return card(said.title, place);
}
