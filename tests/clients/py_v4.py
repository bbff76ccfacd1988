"""Buttplug client 1.0.0 from PyPI, which speaks version 4 of the protocol."""

import asyncio
import os

from steps import MODE, URL, refused, say, step

from buttplug import ButtplugClient, DeviceOutputCommand, InputType, OutputType
from buttplug._messages import Error, OutputCmd
from buttplug.errors import error_from_code


async def main():
    client = ButtplugClient("yep py v4")
    client.on_server_disconnect = lambda: say("disconnected", ok=True)
    scanned = asyncio.Event()
    client.on_scanning_finished = scanned.set

    async def connect():
        await client.connect(URL)
        return {"server": client.server_name}

    if not await step("handshake", connect()):
        return
    device = None

    async def devices():
        nonlocal device
        device = client.devices[0]
        features = [
            {
                "index": feature.index,
                "name": feature.description,
                "outputs": list(feature.outputs or {}),
                "inputs": list(feature.inputs or {}),
            }
            for feature in device.features.values()
        ]
        count, gap_ms = len(client.devices), device.message_timing_gap
        return {"count": count, "index": device.index, "name": device.name, "gap_ms": gap_ms, "features": features}

    await step("devices", devices())

    def output(kind, value, duration=None):
        return device.run_output(DeviceOutputCommand(kind, float(value), duration))

    async def linear(position, duration_ms):
        move = output(OutputType.POSITION_WITH_DURATION, position, duration_ms)
        await step("linear", move, position=position, duration_ms=duration_ms)

    async def oscillate(speed):
        await step("oscillate", output(OutputType.OSCILLATE, speed), speed=speed)

    if MODE == "hold":
        await oscillate(0.3)
        say("holding", ok=True)
        await asyncio.sleep(600)

    async def scan():
        await client.start_scanning()
        await asyncio.wait_for(scanned.wait(), 5)
        await client.stop_scanning()

    await step("scan", scan())
    for position in [0.2, 0.8, 0.2, 0.8]:
        await linear(position, 600)
        await asyncio.sleep(0.6)
    for n in range(20):
        position = 0.8 - 0.3 * n / 19
        await step("position", output(OutputType.POSITION, position), position=position)
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    await oscillate(0.3)
    await asyncio.sleep(2)
    await oscillate(0)
    await asyncio.sleep(1)

    # The library has no public call for any reading but the battery's.
    async def read():
        return {"value": await device.features[2]._read_input(InputType.PRESSURE)}

    await step("read", read(), kind="Pressure")

    async def raw(feature, command):
        message = OutputCmd(id=0, device_index=0, feature_index=feature, command=command)
        answer = await client._send_device_message(message)
        if isinstance(answer, Error):
            raise error_from_code(answer.error_code, answer.error_message)

    await refused("vibration", raw(1, {"Vibrate": {"Value": 50}}))
    await refused("position out of range", raw(0, {"Position": {"Value": 10000}}))
    await refused("unknown feature", raw(7, {"Position": {"Value": 5000}}))
    await linear(0.1, 800)
    await asyncio.sleep(1)

    await linear(0.9, 4000)
    await asyncio.sleep(1)
    await step("stop", device.stop())
    await asyncio.sleep(1)
    await linear(0.5, 1000)
    await asyncio.sleep(0.3)
    await step("stop_all", client.stop_all_devices())
    await asyncio.sleep(1)
    await step("close", client.disconnect())


asyncio.run(main())
say("end", ok=True)
os._exit(0)
