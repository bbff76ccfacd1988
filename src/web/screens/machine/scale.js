// Zero and scale of the force sensor: tare, then a known weight. What the server refuses it explains.

import { ask, button, field } from "../../parts/controls.js";
import { h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt, notify } from "../../parts/notice.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { isAdmin, isOperator } from "../../parts/role.js";

/** A tare that wants to be sure: these say why, and what is sent again then. */
const NEEDS_CONFIRMATION = ["load_present", "load_unknown"];
const LEAST_G = 10;
const said = words.machine;

export function scaleControls() {
  const question = h("div", { class: "question-place" });
  const tare = button(said.tare, () => busy(() => zero(question)));
  const weight = field(said.weight, { type: "number", inputmode: "decimal", step: "any" },
    said.weightHint(words.unknown));
  const hint = weight.element.querySelector("small");
  const calibrate = button(said.calibrateSensor, () => busy(() => scale(weight.input)));
  const forAdmin = h("div", { class: "pile" }, h("small", {}, said.calibrateSensorHint), weight.element, calibrate);
  const why = h("small");

  let isBusy = false;
  async function busy(act) {
    isBusy = true;
    update();
    await attempt(act);
    isBusy = false;
    update();
  }
  function update() {
    tare.disabled = isBusy || !link.rests || !isOperator();
    calibrate.disabled = isBusy || !link.rests || !isAdmin();
    show(forAdmin, isAdmin());
    text(why, !isOperator() ? said.mayNotOperate : isAdmin() ? said.onlyAtRest : said.onlyAdmin);
  }

  return {
    element: h("div", { class: "pile" }, h("h3", {}, said.scaleTitle), h("small", {}, said.tareHint), tare, question,
      forAdmin, why),
    state: update,
    sensor({ range_g }) {
      text(hint, said.weightHint(fixed(range_g)));
    },
  };
}

async function zero(place) {
  const tare = (body) => link.request("POST", "/api/v1/sensor/tare", body);
  try {
    await tare({});
  } catch (problem) {
    if (!NEEDS_CONFIRMATION.includes(problem.code)) throw problem;
    if (!(await ask(place, said.tareAsk(problem.message), said.tareYes, words.cancel))) return;
    await tare({ confirm: true });
  }
  notify(said.tared, "good");
}

async function scale(input) {
  const grams = input.valueAsNumber;
  if (!(Math.abs(grams) >= LEAST_G)) {
    input.focus();
    notify(said.weightWrong, "bad");
    return;
  }
  const { noise_g } = await link.request("POST", "/api/v1/sensor/calibrate", { grams });
  notify(said.sensorCalibrated(fixed(noise_g, 1)), "good");
}
