"""Buttplug client 0.2.0 from PyPI (buttplug-py), which speaks version 3 of the protocol."""

import asyncio
import os

from steps import MODE, URL, refused, say, step

from buttplug import Client, ProtocolSpec, WebsocketConnector
from buttplug.messages import v0, v1, v3


async def main():
    client = Client("yep py v3", ProtocolSpec.v3)

    if not await step("handshake", client.connect(WebsocketConnector(URL))):
        return
    device = None

    async def devices():
        nonlocal device
        device = client.devices[0]
        return {
            "count": len(client.devices),
            "index": device.index,
            "name": device.name,
            "linear": len(device.linear_actuators),
            "scalars": [type(actuator).__name__ for actuator in device.actuators],
        }

    await step("devices", devices())

    async def linear(position, duration_ms):
        move = device.linear_actuators[0].command(duration_ms, position)
        await step("linear", move, position=position, duration_ms=duration_ms)

    async def oscillate(speed):
        await step("oscillate", device.actuators[0].command(speed), speed=speed)

    async def scalar(index, value, actuator):
        answer = await device.send(v3.ScalarCmd(device.index, [v3.Scalar(index, value, actuator)]))
        if isinstance(answer, v0.Error):
            raise answer.error_code.exception(answer.error_message)

    async def vectors(*vectors):
        message = v1.LinearCmd(device.index, [v1.Vector(index, 500, position) for index, position in vectors])
        answer = await device.send(message)
        if isinstance(answer, v0.Error):
            raise answer.error_code.exception(answer.error_message)

    if MODE == "hold":
        await oscillate(0.3)
        say("holding", ok=True)
        await asyncio.sleep(600)

    async def scan():
        finished = await client.start_scanning()
        # The library forgets the search when its end comes before its answer is read.
        if finished is not None:
            await asyncio.wait_for(finished, 5)

    await step("scan", scan())
    for position in [0.2, 0.8, 0.2, 0.8]:
        await linear(position, 600)
        await asyncio.sleep(0.6)
    for n in range(20):
        position = 0.8 - 0.3 * n / 19
        await step("position", scalar(0, position, "Position"), position=position)
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    await oscillate(0.3)
    await asyncio.sleep(2)
    await oscillate(0)
    await asyncio.sleep(1)

    await refused("vibration", scalar(1, 0.5, "Vibrate"))
    await refused("position out of range", vectors((0, 1.5)))
    await refused("second vector", vectors((0, 0.5), (1, 0.5)))
    await linear(0.1, 800)
    await asyncio.sleep(1)

    await linear(0.9, 4000)
    await asyncio.sleep(1)
    await step("stop", device.stop())
    await asyncio.sleep(1)
    await linear(0.5, 1000)
    await asyncio.sleep(0.3)
    await step("stop_all", client.stop_all())
    await asyncio.sleep(1)
    await step("close", client.disconnect())


asyncio.run(main())
say("end", ok=True)
os._exit(0)
