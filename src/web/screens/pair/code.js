// Being let in by a code: six digits, the code of the card, or the ticket of a link.

import { attribute, h, show, text } from "../../parts/dom.js";
import { button, field } from "../../parts/controls.js";
import { link } from "../../link.js";
import { words } from "../../words.js";
import { heldCode, isTicket } from "./address.js";
import { failureOf } from "./failure.js";

const DIGITS = 6;
const CARD_CHARS = 8;

/**
 * The way by a code. `done` gets the device that was let in.
 * @param {{name: () => string | null, done: (device: any) => unknown}} options
 */
export function codeWay({ name, done }) {
  const brought = heldCode();
  const ticket = isTicket(brought) ? brought : "";
  const digits = field(words.pair.codeDigits, {
    inputmode: "numeric", maxlength: DIGITS + 1, autocomplete: "off", spellcheck: false, enterkeyhint: "go",
    class: "digits", placeholder: "000000",
  }, brought ? "" : words.pair.codeDigitsHint);
  const card = field(words.pair.codeCard, {
    maxlength: 128, autocomplete: "off", autocapitalize: "none", spellcheck: false, enterkeyhint: "go",
  }, words.pair.codeCardHint);
  const wrong = h("p", { class: "said bad", role: "alert", hidden: true });
  const enter = h("button", { class: "button primary wide" }, words.pair.codeEnter);
  const other = button("", () => choose(!isCard), "link");
  const none = h("p", { class: "quiet" }, words.pair.codeNone);
  let isCard = false;
  let isTrying = false;

  const say = (problem) => {
    text(wrong, problem);
    show(wrong, Boolean(problem));
  };

  function choose(wantsCard) {
    isCard = wantsCard;
    show(digits.element, !isCard && !ticket);
    show(card.element, isCard && !ticket);
    show(other, !ticket);
    text(other, isCard ? words.pair.codeUseDigits : words.pair.codeUseCard);
    say("");
  }

  /** The code as it is sent, or null with a word about it. */
  function read() {
    if (ticket) return ticket;
    if (isCard) {
      const code = card.input.value.trim();
      if (code.length >= CARD_CHARS) return code;
      say(words.pair.codeCardShort);
      card.input.focus();
      return null;
    }
    const code = digits.input.value.replace(/\D/g, "");
    if (code.length === DIGITS) return code;
    say(words.pair.codeShort);
    digits.input.focus();
    return null;
  }

  async function send(event) {
    event.preventDefault();
    if (isTrying) return;
    say("");
    const [code, device] = [read(), name()];
    if (code === null || device === null) return;
    isTrying = true;
    enter.disabled = true;
    text(enter, words.pair.codeTrying);
    try {
      await done(await link.request("POST", "/api/v1/pairing/code", { name: device, code }));
    } catch (problem) {
      say(failureOf(problem));
      digits.input.select();
    }
    isTrying = false;
    enter.disabled = false;
    text(enter, words.pair.codeEnter);
  }

  if (brought && !ticket) {
    if (/^\d+$/.test(brought)) digits.input.value = brought;
    else card.input.value = brought;
  }
  choose(Boolean(card.input.value));
  for (const { input } of [digits, card]) input.addEventListener("input", () => say(""));

  const fromLink = brought ? h("p", {}, ticket ? words.pair.ticket : words.pair.codeFromLink) : null;
  const form = h("form", { class: "stack", novalidate: true, onsubmit: send }, fromLink, digits.element, card.element, wrong,
    enter, other);
  return {
    element: h("div", { class: "stack" }, none, form),
    /** Shows the field while a code would be taken, and as long as somebody uses it. */
    offer(takesCode) {
      const isTyped = Boolean(digits.input.value || card.input.value);
      const isUsed = brought || isTyped || form.contains(document.activeElement);
      const isOffered = takesCode || isUsed;
      show(form, isOffered);
      show(none, !isOffered);
      attribute(form, "data-offered", isOffered);
      return isOffered;
    },
  };
}
