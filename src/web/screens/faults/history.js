// What happened in a recording, in words and in its order: commands with their replies, states, inputs, further faults.

import { h } from "../../parts/dom.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";

const said = words.faults;
const INPUTS = Object.keys(words.machine.inputs);

/** The items of a list. */
export function happened({ commands, changes, also, fault }) {
  const events = [
    [0, fault.message],
    ...commands.map(({ time_s, command, reply }) => [time_s, said.commanded(command, reply.replaceAll("_", " "))]),
    ...changes.flatMap((change, index) => differences(change, changes[index - 1]).map((what) => [change.time_s, what])),
    ...also.map((further) => [further.time_s, further.fault.message]),
  ];
  return events.sort(([one], [other]) => one - other).map(([time_s, what]) =>
    h("li", { class: time_s === 0 ? "at-fault" : null }, h("span", { class: "when" }, said.seconds(fixed(time_s, 3))),
      h("span", {}, what)));
}

/** What a change changed; the first one says how it was. */
function differences(change, before) {
  const say = (name) => {
    const input = words.machine.inputs[name];
    return said.changed(input.name, change[name] ? input.on : input.off);
  };
  const inputs = INPUTS.filter((name) => (before ? change[name] !== before[name] : change[name])).map(say);
  const state = change.state !== before?.state ? [said.entered(words.states[change.state] ?? change.state)] : [];
  return [...state, ...inputs, ...(change.missed_cycles ? [said.missed(change.missed_cycles)] : [])];
}
