// The plugin of Stash in examples/stash, run by node: a made-up page with PluginApi, a made-up machine on a real port.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const SCRIPT = '{"actions":[{"at":0,"pos":0},{"at":500,"pos":100}]}';
const TOKEN = 'a-token';
// The machine's clock is so much ahead, and its answers come so much later (ms).
const AHEAD_MS = 123_456;
const DELAY_MS = 20;

const seen = [];
let refusal = null;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += piece;
  await new Promise((done) => setTimeout(done, DELAY_MS / 2));
  const { method, url, headers } = request;
  const say = (status, text) => response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  if (url === '/prefix/graphql') {
    const settings = { yep: { address: `http://127.0.0.1:${server.address().port}/`, token: TOKEN } };
    return say(200, JSON.stringify({ data: { configuration: { plugins: settings } } }));
  }
  if (url.startsWith('/scene/')) {
    assert.equal(url, '/scene/12/funscript?apikey=key');
    return say(200, SCRIPT);
  }
  assert.equal(headers.authorization, `Bearer ${TOKEN}`);
  const t_ms = performance.now() + AHEAD_MS;
  setTimeout(() => {
    if (url === '/api/v1/clock') return say(200, JSON.stringify({ t_ms }));
    seen.push({ method, url: decodeURIComponent(url), type: headers['content-type'], body: JSON.parse(body), t_ms });
    if (refusal) return say(409, JSON.stringify({ detail: refusal }));
    say(200, '{}');
  }, DELAY_MS / 2);
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const origin = `http://127.0.0.1:${server.address().port}`;

// The page of Stash, below a prefix, and its video.
const handlers = {};
const video = { time: 10, rate: 1 };
const player = {
  currentTime: () => video.time,
  playbackRate: () => video.rate,
  on: (event, handler) => (handlers[event] = handler),
};
const InteractiveUtils = { getPlayer: () => player, interactiveClientProvider: undefined };
globalThis.PluginApi = { utils: { InteractiveUtils } };
globalThis.location = { origin };
globalThis.document = {
  title: 'Stash',
  querySelector: (selector) => ({ base: { href: `${origin}/prefix/` }, '.scene-header': { textContent: ' A/scene: "ä" ' } })[selector],
};
globalThis.warned = [];
console.warn = (text) => warned.push(text);
new Function(await readFile(new URL('../../examples/stash/yep.js', import.meta.url), 'utf8'))();

const client = InteractiveUtils.interactiveClientProvider({ handyKey: '', scriptOffset: 0 });
const next = async (act) => {
  const before = seen.length;
  await act();
  for (let n = 0; n < 200 && seen.length === before; n++) await new Promise((done) => setTimeout(done, 5));
  assert.equal(seen.length, before + 1, 'one request');
  return seen[before];
};
// The instant that goes with a position is that of the machine's clock when it was shown; the request comes later, on a busy
// computer much later.
const assertNow = ({ body, t_ms }) => {
  const late = t_ms - body.at_ms;
  assert.ok(late > -2 * DELAY_MS && late < 3000, `${late} ms late`);
};

// As Stash's state machine begins.
await client.configure({ connectionKey: 'x', offset: 150, useStashHostedFunscript: false });
assert.equal(client.handyKey, 'x');
const offset = await client.sync();
assert.ok(Math.abs(offset - AHEAD_MS) < 2 * DELAY_MS, `${offset} ms`);
await client.connect();
assert.equal(client.connected, true);
await client.pause();
await client.ensurePlaying(1);
assert.deepEqual(seen, [], 'without a script nothing moves');

const upload = await next(() => client.uploadScript(`${origin}/scene/12/funscript`, 'key'));
assert.deepEqual([upload.method, upload.url, upload.body], ['PUT', '/api/v1/scripts/A scene ä 12', JSON.parse(SCRIPT)]);

await client.setLooping(true);
const play = await next(() => client.play(10.5));
assertNow(play);
const { at_ms: _, ...played } = play.body;
assert.deepEqual([play.method, play.url, play.type], ['POST', '/api/v1/player/play', 'application/json']);
assert.deepEqual(played, { script: 'A scene ä 12', position_s: 10.5, rate: 1, offset_ms: 150, repeat: true });
assert.equal(client.playing, true);

// Stash calls four times a second; the machine hears it once.
for (let n = 0; n < 3; n++) await client.ensurePlaying(10.6);
client.toldAt -= 2000;
const told = await next(() => client.ensurePlaying(12.5));
assertNow(told);
assert.deepEqual([told.method, told.url, told.body.position_s], ['PATCH', '/api/v1/player', 12.5]);

[video.time, video.rate] = [61, 8];
assert.equal((await next(() => handlers.ratechange())).body.rate, 4, 'the highest rate of the machine');
assert.equal((await next(() => handlers.seeked())).body.position_s, 61);
assert.deepEqual((await next(() => handlers.waiting())).body, { paused: true });
assert.equal(client.playing, false);
await client.pause();
assert.equal((await next(() => client.ensurePlaying(61))).method, 'POST');
assert.deepEqual((await next(() => client.setLooping(false))).body, { repeat: false });

// A STOP on the machine: it is told no more, until the video is played anew.
refusal = 'STOP came';
const heard = seen.length;
await next(() => handlers.seeked());
await new Promise((done) => setTimeout(done, 4 * DELAY_MS));
assert.deepEqual([client.playing, warned], [false, ['yep: STOP came']]);
handlers.seeked();
handlers.ratechange();
await client.ensurePlaying(62);
await client.pause();
assert.equal(seen.length, heard + 1);
await assert.rejects(client.play(1), /STOP came/);
assert.equal(client.playing, false);
server.close();
console.log(`stash: ${seen.length} requests`);
