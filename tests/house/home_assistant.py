"""The description of a machine, checked with Home Assistant's own schemas.

    python home_assistant.py WHEEL <description.json

WHEEL is the package homeassistant of PyPI, which is imported as it is. Exit code 1, and a line for each thing that Home Assistant
would not take.

Each component is checked with the schema of its platform, as it is after Home Assistant has merged what all components share into
it. The shared part has a schema only in versions for a newer Python than Debian 12 has (2024.11 and later), so its keys are checked
here by their documentation. Sensors are checked with the tables of units and state classes, too: Home Assistant takes such a sensor,
logs an error, and shows it wrongly.
"""

import importlib.abc
import importlib.machinery
import json
import logging
import sys
import types
from unittest.mock import MagicMock

# What Home Assistant imports on the way, and its schemas do not use.
STAND_INS = {"aiohttp_cors", "aiohttp_fast_url_dispatcher", "aiohttp_zlib_ng", "astral", "async_interrupt", "atomicwrites", "bcrypt",
             "certifi", "ciso8601", "cryptography", "httpx", "ifaddr", "jwt", "lru", "packaging", "paho", "requests", "slugify",
             "ulid_transform", "voluptuous_serialize"}
# Keys of a later version than that whose schemas are used here.
LATER = {"sensor": {"options"}}
# https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
SHARED = {"device", "origin", "availability", "availability_topic", "availability_mode", "availability_template",
          "payload_available", "payload_not_available", "state_topic", "command_topic", "qos", "encoding", "components"}
ORIGIN = {"name", "sw_version", "support_url"}


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """A stand-in for each of those packages."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in STAND_INS:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__path__ = []
        module.__getattr__ = lambda name: type(name, (Exception,), {}) if name[0].isupper() else MagicMock(name=name)
        return module

    def exec_module(self, module):
        pass


def schemas():
    """The schemas of the platforms, and the tables for sensors."""
    sys.meta_path.append(StandIn())
    from homeassistant.components.mqtt import binary_sensor, button, sensor
    from homeassistant.components.sensor import const

    platforms = {"sensor": sensor, "binary_sensor": binary_sensor, "button": button}
    return {name: module.DISCOVERY_SCHEMA for name, module in platforms.items()}, const


def combination(component, const):
    """What is wrong with unit and state class of a sensor."""
    device_class = component.get("device_class")
    if device_class is None:
        return
    units, states = const.DEVICE_CLASS_UNITS.get(device_class), const.DEVICE_CLASS_STATE_CLASSES.get(device_class)
    unit, state = component.get("unit_of_measurement"), component.get("state_class")
    if units is not None and unit not in {getattr(known, "value", known) for known in units}:
        yield f"{unit} is no unit of {device_class}"
    if units is None and unit is not None:
        yield f"{device_class} has no unit"
    if state is not None and states is not None and state not in {known.value for known in states}:
        yield f"{state} is no state class of {device_class}"


def wrong(description, platforms, const):
    """Everything that is wrong with a description."""
    for key in description.keys() - SHARED:
        yield f"{key} is no key of a description"
    for key in {"device", "origin", "components"} - description.keys():
        yield f"{key} is missing"
    for key in description.get("origin", {}).keys() - ORIGIN:
        yield f"{key} is no key of origin"
    shared = {key: value for key, value in description.items() if key != "components"}
    ids = [component.get("unique_id") for component in description.get("components", {}).values()]
    for known in {known for known in ids if known is None or ids.count(known) > 1}:
        yield f"the unique_id {known} is missing or not unique"
    for name, component in description.get("components", {}).items():
        platform = component.get("platform")
        if platform not in platforms:
            yield f"{name}: {platform} is no platform that is checked here"
            continue
        config = shared | {key: value for key, value in component.items() if key != "platform"}
        try:
            taken = platforms[platform](config)
        except Exception as error:
            yield f"{name}: {error}"
            continue
        # Home Assistant passes over what it does not know. Here that is a slip of the pen.
        for key in config.keys() - taken.keys() - LATER.get(platform, set()) - {"origin"}:
            yield f"{name}: {key} is no key of {platform}"
        if "options" in component and (component.get("device_class") != "enum" or not component["options"]):
            yield f"{name}: options are those of device_class enum, at least one"
        if platform == "sensor":
            yield from (f"{name}: {what}" for what in combination(component, const))


def main():
    logging.disable()
    sys.path.insert(0, sys.argv[1])
    platforms, const = schemas()
    found = list(wrong(json.load(sys.stdin), platforms, const))
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()
