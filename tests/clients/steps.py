"""Steps of a client program in Python: each prints one JSON line with its outcome, and a failed one does not end the
program. See steps.mjs for the same in JavaScript."""

import json
import sys
import time

PORT = int(sys.argv[1])
URL = f"ws://127.0.0.1:{PORT}"
# full: every step, and leave; hold: start a motion and keep it until the program is killed.
MODE = sys.argv[2] if len(sys.argv) > 2 else "full"


def say(step, **fields):
    """Prints one line. `t` is CLOCK_MONOTONIC in s, the clock of every other program on this computer as well."""
    print(json.dumps({"step": step, "t": time.monotonic(), **fields}), flush=True)


def failure(error):
    code = getattr(error, "code", None)
    return {"error": str(error), "kind": type(error).__name__, "code": None if code is None else int(code)}


async def step(name, act, **fields):
    """Runs one step and prints how it ended, with what it returns or the error of the library."""
    try:
        result = await act
        say(name, ok=True, **fields, **(result if isinstance(result, dict) else {}))
        return True
    except Exception as error:
        say(name, ok=False, **fields, **failure(error))
        return False


async def refused(name, act):
    """Runs a step that the server has to refuse as the device; a mistake of this program is no refusal."""
    try:
        await act
        say("refused", what=name, ok=False, error=None)
    except Exception as error:
        said = failure(error)
        say("refused", what=name, ok=said["kind"] in ("ButtplugDeviceError", "DeviceServerError"), **said)
