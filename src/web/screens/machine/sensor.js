// The force sensor: what is heard of it, and its zero and scale.

import { card, emptyState, facts } from "../../parts/controls.js";
import { h, show, text } from "../../parts/dom.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { poll } from "../../parts/poll.js";
import { scaleControls } from "./scale.js";

const POLL_MS = 1000;
const said = words.machine;

export function sensorCard() {
  const link = h("strong", { class: "badge" });
  const remedy = h("small", { class: "sensor-remedy" });
  const values = facts([["force", said.force], ["reading", said.reading], ["rate", said.rate], ["zero", said.zero],
    ["perGram", said.perGram], ["range", said.sensorRange], ["lost", said.lost], ["device", said.device]]);
  const scale = scaleControls();
  const known = h("div", { class: "pile", hidden: true }, h("p", { class: "row" }, link, remedy), values.element,
    scale.element);
  const simulated = h("span", {});
  const empty = emptyState(said.noSensor, said.noSensorHint);
  empty.append(simulated);
  show(empty, false);

  const hear = (sensor) => {
    const unit = (value) => (value == null ? null : `${fixed(value, 1)} ${sensor.reading_unit}`);
    show(known, true);
    link.dataset.kind = sensor.link === "live" ? "good" : "bad";
    text(link, said.links[sensor.link] ?? sensor.link);
    text(remedy, sensor.link === "live" ? "" : [sensor.remedy, sensor.trouble].filter(Boolean).join(". "));
    values.set("force", sensor.force_g == null ? words.unknown : said.grams(fixed(sensor.force_g)));
    values.set("reading", unit(sensor.reading) ?? words.unknown);
    values.set("rate", sensor.rate_hz == null ? words.unknown : said.perSecond(fixed(sensor.rate_hz)));
    values.set("zero", unit(sensor.zero) ?? said.notTared);
    values.set("perGram", sensor.reading_per_g == null ? said.notScaled : fixed(sensor.reading_per_g, 3));
    values.set("range", said.grams(fixed(sensor.range_g)));
    const lost = Object.values(sensor.lost).reduce((sum, count) => sum + count, 0);
    values.set("lost", said.lostOf(lost, lost + sensor.samples));
    values.set("device", sensor.device);
    scale.sensor(sensor);
  };
  // Without a sensor that can be asked there is nothing to ask.
  let readings = null;

  return {
    element: card(said.sensor, empty, known),
    state(state) {
      if (state.sensor !== "none") readings ??= poll("/api/v1/sensor", POLL_MS, hear);
      show(empty, state.sensor === "none");
      text(simulated, state.force_g == null ? "" : said.simulatedForce(fixed(state.force_g)));
      scale.state(state);
    },
    leave: () => readings?.leave(),
  };
}
