// Buttplug client 3.2.2 from npm, which speaks version 3 of the protocol.
import { end, installed, mode, refused, say, sleep, step, url } from './steps.mjs';

const { ActuatorType, ButtplugClient, ButtplugNodeWebsocketClientConnector, ScalarSubcommand } = installed('buttplug-v3');
const client = new ButtplugClient('yep js v3');
client.on('disconnect', () => say('disconnected', { ok: true }));

await step('handshake', {}, () => client.connect(new ButtplugNodeWebsocketClientConnector(url)));
if (!client.connected) end();
let device;
await step('devices', {}, async () => {
  [device] = client.devices;
  const { LinearCmd, ScalarCmd } = device.messageAttributes;
  return {
    count: client.devices.length, index: device.index, name: device.name, gap_ms: device.messageTimingGap,
    linear: LinearCmd?.length ?? 0, scalars: (ScalarCmd ?? []).map((scalar) => scalar.ActuatorType),
  };
});
const linear = (position, duration_ms) =>
  step('linear', { position, duration_ms }, () => device.linear(position, duration_ms));
const scalar = (index, value, actuator) => device.scalar(new ScalarSubcommand(index, value, actuator));

if (mode === 'hold') {
  await step('oscillate', { speed: 0.3 }, () => device.oscillate(0.3));
  say('holding', { ok: true });
  await sleep(600);
}

await step('scan', {}, async () => {
  const finished = new Promise((resolve) => client.once('scanningfinished', resolve));
  await client.startScanning();
  await finished;
  await client.stopScanning();
});
for (const position of [0.2, 0.8, 0.2, 0.8]) {
  await linear(position, 600);
  await sleep(0.6);
}
for (let n = 0; n < 20; n += 1) {
  const position = 0.8 - (0.3 * n) / 19;
  await step('position', { position }, () => scalar(0, position, ActuatorType.Position));
  await sleep(0.05);
}
await sleep(0.5);
await step('oscillate', { speed: 0.3 }, () => device.oscillate(0.3));
await sleep(2);
await step('oscillate', { speed: 0 }, () => device.oscillate(0));
await sleep(1);

await refused('vibration', () => scalar(1, 0.5, ActuatorType.Vibrate));
await refused('position out of range', () => device.linear([[1.5, 500]]));
await refused('second vector', () => device.linear([[0.5, 500], [0.5, 500]]));
await linear(0.1, 800);
await sleep(1);

await linear(0.9, 4000);
await sleep(1);
await step('stop', {}, () => device.stop());
await sleep(1);
await linear(0.5, 1000);
await sleep(0.3);
await step('stop_all', {}, () => client.stopAllDevices());
await sleep(1);
await step('close', {}, () => client.disconnect());
end();
