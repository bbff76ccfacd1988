// Buttplug client 5.0.2 from npm, which speaks version 4 of the protocol.
import { end, installed, mode, refused, say, sleep, step, url } from './steps.mjs';

const { ButtplugClient, ButtplugNodeWebsocketClientConnector, DeviceOutput } = installed('buttplug-v5');
const client = new ButtplugClient('yep js v4');
client.on('disconnect', () => say('disconnected', { ok: true }));

await step('handshake', {}, async () => {
  await client.connect(new ButtplugNodeWebsocketClientConnector(url));
  return { server: client.serverInfo.serverName, version: client.serverInfo.protocolVersionMajor };
});
if (!client.connected) end();
let device;
await step('devices', {}, async () => {
  const devices = [...client.devices.values()];
  [device] = devices;
  const features = [...device.features.values()].map((feature) => ({
    index: feature.index, name: feature.descriptor,
    outputs: [...feature.outputs.keys()], inputs: [...feature.inputs.keys()],
  }));
  return { count: devices.length, index: device.index, name: device.name, gap_ms: device.messageTimingGap, features };
});
const linear = (position, duration_ms) =>
  step('linear', { position, duration_ms }, () =>
    device.runOutput(DeviceOutput.HwPositionWithDuration.percent(position, duration_ms)));

if (mode === 'hold') {
  await step('oscillate', { speed: 0.3 }, () => device.runOutput(DeviceOutput.Oscillate.percent(0.3)));
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
  await step('position', { position }, () => device.runOutput(DeviceOutput.Position.percent(position)));
  await sleep(0.05);
}
await sleep(0.5);
await step('oscillate', { speed: 0.3 }, () => device.runOutput(DeviceOutput.Oscillate.percent(0.3)));
await sleep(2);
await step('oscillate', { speed: 0 }, () => device.runOutput(DeviceOutput.Oscillate.percent(0)));
await sleep(1);
for (const [feature, kind] of [[0, 'Position'], [2, 'Pressure']]) {
  await step('read', { kind }, async () => {
    const reading = await device.features.get(feature).runInput(kind, 'Read');
    return { value: reading.value };
  });
}
await step('subscribe', { kind: 'Position' }, async () => {
  const position = device.features.get(0);
  let count = 0;
  position.on('inputreading', () => { count += 1; });
  await position.runInput('Position', 'Subscribe');
  await linear(0.5, 500);
  await sleep(1);
  await position.runInput('Position', 'Unsubscribe');
  return { readings: count };
});

const raw = async (command) => {
  const answer = await device.send({ OutputCmd: { Id: 1, DeviceIndex: 0, ...command } });
  if (answer.Error) throw answer.Error;
};
await refused('vibration', () => raw({ FeatureIndex: 1, Command: { Vibrate: { Value: 50 } } }));
await refused('position out of range', () => raw({ FeatureIndex: 0, Command: { Position: { Value: 10000 } } }));
await refused('unknown feature', () => raw({ FeatureIndex: 7, Command: { Position: { Value: 5000 } } }));
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
