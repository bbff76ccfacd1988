// Steps of a client program in JavaScript: each prints one JSON line with its outcome, and a failed one does not end
// the program. See steps.py for the same in Python.
import { createRequire } from 'node:module';

/** Imports from the folder of the installed packages, which is not that of this file. */
export const installed = createRequire(`${process.env.YEP_CLIENTS}/node_modules/`);

export const port = Number(process.argv[2]);
export const url = `ws://127.0.0.1:${port}`;
/** `full`: every step, and leave; `hold`: start a motion and keep it until the program is killed. */
export const mode = process.argv[3] ?? 'full';

/** CLOCK_MONOTONIC in s, the clock of every other program on this computer as well. */
const now = () => Number(process.hrtime.bigint()) / 1e9;

export function say(step, fields) {
  process.stdout.write(`${JSON.stringify({ step, t: now(), ...fields })}\n`);
}

/** Runs one step and prints how it ended, with what it returns or the error of the library. */
export async function step(name, fields, act) {
  try {
    say(name, { ok: true, ...fields, ...((await act()) ?? {}) });
  } catch (error) {
    // Not every error of these libraries is an Error.
    say(name, { ok: false, ...fields, ...failure(error) });
  }
}

/** Runs a step that the server has to refuse as the device; a mistake of this program is no refusal. */
export async function refused(name, act) {
  try {
    await act();
    say('refused', { what: name, ok: false, error: null });
  } catch (error) {
    const { kind, ...rest } = failure(error);
    say('refused', { what: name, ok: kind === 'ButtplugDeviceError', ...rest, kind });
  }
}

function failure(error) {
  const code = error?.errorClass ?? error?.ErrorClass ?? null;
  return { error: String(error?.message ?? error), kind: error?.constructor?.name ?? null, code };
}

export const sleep = (s) => new Promise((resolve) => setTimeout(resolve, s * 1000));

/** Ends the program for certain: these libraries leave timers and sockets behind when a step has failed. */
export function end() {
  say('end', { ok: true });
  process.exit(0);
}
