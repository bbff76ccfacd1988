// The screens that can wait until Drive is shown.

import { faults } from "./faults/faults.js";
import { machine } from "./machine/machine.js";
import { pair } from "./pair/pair.js";
import { settings } from "./settings/settings.js";
import { waves } from "./waves/waves.js";

export const screens = { faults, machine, pair, settings, waves };
