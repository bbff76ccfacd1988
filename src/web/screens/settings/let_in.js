// "Let somebody in": six digits that are good for one device and two minutes, as digits, as an address and as a
// picture.

import { fill, h, text } from "../../parts/dom.js";
import { button, card, choice } from "../../parts/controls.js";
import { link } from "../../link.js";
import { attempt, notify } from "../../parts/notice.js";
import { duration } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { roles } from "./device.js";
import { picture } from "./picture.js";
import { sender } from "./sender.js";

const ROUTE = "/api/v1/pairing/window";
const CLOCK_MS = 1000;
/** The server is asked whether the digits were used so often. */
const LOOK_EACH = 3;
const said = words.settings.letIn;

export function letInCard() {
  const role = choice(said.role, roles());
  role.select.value = "operator";
  const open = sender(said.open, () => attempt(async () => {
    shown(await link.request("POST", ROUTE, { role: role.select.value }));
  }), "primary wide");
  const form = h("div", { class: "stack" }, h("p", { class: "quiet" }, said.what), role.element, open);
  const place = h("div", { class: "stack" }, form);
  let timer = 0;
  /** Numbers of the devices that were there before the window was opened; null without a window. */
  let before = null;
  let known = [];

  const end = () => {
    clearInterval(timer);
    before = null;
    fill(place, form);
  };
  const close = async () => {
    if (await attempt(() => link.request("DELETE", ROUTE))) end();
  };

  function shown({ code, role: given, expires_s, url, qr_svg }) {
    before = known.map(({ number }) => number);
    const left = h("span", { class: "quiet" });
    const until = performance.now() + 1000 * expires_s;
    let ticks = 0;
    const count = async () => {
      const left_s = (until - performance.now()) / 1000;
      text(left, words.pair.left(duration(Math.max(0, left_s))));
      if (left_s <= 0) {
        end();
        notify(said.over);
      } else if (++ticks % LOOK_EACH === 0) {
        const state = await link.request("GET", ROUTE).catch(() => null);
        // Used digits are told by the list of devices, which comes a moment later; burnt ones by nothing else.
        if (state && !state.is_open && before) {
          left.textContent = "";
          setTimeout(() => before && (end(), notify(said.closed)), 2 * CLOCK_MS * LOOK_EACH);
        }
      }
    };
    const halves = [code.slice(0, 3), code.slice(3)].map((half) => h("span", {}, half));
    fill(place,
      h("p", {}, said.read(words.pair.roles[given])),
      h("p", { class: "code" }, halves),
      h("div", { class: "row spread" }, left, button(said.close, close)),
      h("div", { class: "scan" }, picture(qr_svg, said.picture),
        h("p", {}, said.address, h("br"), h("strong", { class: "address" }, url))));
    timer = setInterval(count, CLOCK_MS);
    count();
    place.querySelector(".code").scrollIntoView({ block: "nearest" });
  }
  return {
    element: card(said.title, place),
    /** The devices as they are now: a new one is the one that was waited for. */
    take(devices) {
      known = devices;
      const came = before && devices.find(({ number }) => !before.includes(number));
      if (!came) return;
      end();
      notify(said.came(came.name, words.pair.roles[came.role] ?? came.role), "good");
    },
    leave() {
      clearInterval(timer);
      // Digits that nobody sees any more are good for nothing.
      if (before) link.request("DELETE", ROUTE).catch(() => {});
    },
  };
}
