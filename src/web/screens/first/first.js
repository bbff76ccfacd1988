// The first run: twelve steps that prove the wiring before anything moves. The server keeps the place and judges what is proven;
// this shows the step that is next, what was seen of it, and why it is not proven yet.

import { button, card } from "../../parts/controls.js";
import { attribute, fill, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { complain } from "../../parts/notice.js";
import { poll } from "../../parts/poll.js";
import { isAdmin } from "../../parts/role.js";
import { faultActs } from "./fault.js";
import { STEPS } from "./steps.js";
import { said } from "./words.js";

const ROUTE = "/api/v1/commissioning";
const LOOK_MS = 400;
/** An act without an answer for so long may be tried again. */
const ANSWER_MS = 5000;

export const first = {
  name: "first",
  mount(root) {
    const title = h("h2", {});
    const todo = h("p", {});
    const refusal = h("p", { class: "said bad", role: "alert", hidden: true });
    const place = h("div", { class: "stack" });
    const begin = button(said.begin, () => act("begin"), "primary wide");
    const fault = faultActs();
    const step = h("section", { class: "card", "aria-label": said.step }, h("p", { class: "quiet small" }), title, todo, fault.element,
      place, refusal, begin);
    const count = step.firstChild;
    const list = h("ol", { class: "first-steps" });
    const all = h("details", { class: "card fold" }, h("summary", {}, said.all), list);
    const asks = confirmation((works) => post("confirm", { works }));
    // Before the server has said which step is next there is none to begin.
    show(begin, false);
    root.append(h("div", { class: "stack" }, asks.element, step, all));

    /** What the server said last, the step that is shown, and its controls. */
    let run = null;
    let name = null;
    let shown = null;
    let chosen = null;
    let waitsUntil = 0;

    async function post(path, body, method = "POST") {
      show(refusal, false);
      try {
        hear(await link.request(method, `${ROUTE}/${path}`, body));
        return true;
      } catch (problem) {
        show(refusal, true);
        const wrong = (problem.errors ?? []).map(({ field, message }) => `${field}: ${message}`).join("; ");
        text(refusal, [problem.detail || problem.title, wrong].filter(Boolean).join(" "));
        refusal.scrollIntoView({ block: "nearest" });
        return false;
      }
    }
    /** One act at a time: a second tap on a button whose answer is under way is the same wish, and no word about the next step. */
    async function act(act, answers = {}) {
      if (performance.now() < waitsUntil) return false;
      waitsUntil = performance.now() + ANSWER_MS;
      try {
        return await carryOut(act, answers);
      } finally {
        waitsUntil = 0;
      }
    }
    /** An act in the step that is shown. When it is proven, the next one is begun: it is what the person came for. */
    async function carryOut(act, answers) {
      const before = name;
      if (!(await post(`steps/${before}`, { act, ...answers }))) return false;
      const isProven = act === "finish" && run.steps.find(({ step }) => step === before).state === "done";
      if (!isProven || run.in_progress) return true;
      chosen = null;
      if (run.next) await post(`steps/${run.next}`, { act: "begin" });
      return true;
    }

    function hear(document) {
      run = document;
      const next = run.in_progress?.step ?? chosen ?? run.next;
      if (next !== name) open(next);
      asks.hear(run);
      const isOpen = run.in_progress?.step === name;
      show(begin, Boolean(name) && !isOpen && isAdmin());
      show(place, isOpen || !name);
      if (isOpen) shown?.hear?.(run.in_progress, run);
      fill(list, run.steps.map(row));
    }
    function open(next) {
      shown?.leave?.();
      name = next;
      root.scrollTop = 0;
      show(refusal, false);
      const at = run.steps.findIndex(({ step }) => step === next);
      text(count, at < 0 ? "" : said.count(at + 1, run.steps.length));
      text(title, at < 0 ? said.complete : said.titles[next]);
      text(todo, at < 0 ? said.completeHint : run.steps[at].todo);
      shown = at < 0 ? null : STEPS[next]({ act, put: (values) => post("wiring", values, "PUT"), run });
      fill(place, shown ? shown.element : h("a", { class: "button primary wide", href: "#drive" }, said.drive));
      if (link.state) shown?.state?.(link.state);
    }
    function row({ step, state, evidence }) {
      const seen = Object.entries(evidence).map(([key, value]) => `${key.replaceAll("_", " ")} ${Math.round(value * 100) / 100}`);
      const again = isAdmin() && ["done", "due"].includes(state) && button(said.again, () => {
        chosen = step;
        name = null;
        post(`steps/${step}`, { act: "begin" });
      });
      const item = h("li", { class: "first-step", "data-is": state }, h("strong", {}, said.titles[step]),
        h("span", { class: "badge", "data-kind": state === "done" ? "good" : state === "due" ? "bad" : "" }, said.states[state]),
        seen.length > 0 && h("small", {}, seen.join(", ")), again);
      attribute(item, "aria-current", step === name ? "step" : null);
      return item;
    }

    const news = poll(ROUTE, LOOK_MS, hear, complain);
    return {
      state(state) {
        fault.state(state);
        shown?.state?.(state);
      },
      leave() {
        news.leave();
        shown?.leave?.();
      },
    };
  },
};

/** A machine that was in use before, or was restored: one question in place of twelve steps. */
function confirmation(answer) {
  const what = h("p", {});
  const element = card(said.asks, what, h("div", { class: "row" }, button(said.works, () => answer(true), "primary"),
    button(said.follow, () => answer(false))));
  show(element, false);
  return {
    element,
    hear({ asks }) {
      show(element, Boolean(asks) && isAdmin());
      text(what, said.asksWhy[asks]);
    },
  };
}
