// Plugin of Stash: plays the interactive script of a scene on a yep machine, in step with the video.
//
// Stash has a state machine for interactive devices and a hook for other devices than its own: a provider of a client with
// these methods. This client uploads the scene's script, and tells the machine each time what the video does: play, pause,
// seek and rate. The machine's own clock does the rest, so that a late message is no late stroke: each position goes with the
// time on the machine's clock at which it was shown.
(function () {
  'use strict';

  // Requests of the machine's clock, of which the quickest are believed; the others waited somewhere.
  const CLOCK_SAMPLES = 12;
  const CLOCK_BELIEVED = 4;
  // A request that takes longer is given up (ms): the next one has newer news.
  const REQUEST_MS = 5000;
  // While it plays, the position is told so often (ms). Stash itself calls about four times a second.
  const TELL_EVERY_MS = 1000;
  // Rates that the machine plays.
  const RATES = [0.25, 4];
  // A name on the machine: printable, and short enough for a file.
  const NAME_CHARACTERS = 100;

  class YepClient {
    // `setup` gives {address, token}; `getPlayer` the video player on the page, if there is one.
    constructor(setup, getPlayer, environment) {
      this.setup = setup;
      this.getPlayer = getPlayer;
      this.fetch = environment.fetch;
      this.now = environment.now;
      this.handyKey = '';
      this.connected = false;
      this.playing = false;
      this.refused = false;
      this.looping = false;
      this.offsetMs = 0;
      this.script = null;
      this.clockOffsetMs = null;
      this.toldAt = -Infinity;
      this.watched = null;
    }

    // Stash's state machine.

    async connect() {
      await this.readClock();
      this.connected = true;
    }

    // Stash keeps this number for an hour, and takes 0 for none.
    async sync() {
      await this.readClock();
      return this.clockOffsetMs || 1;
    }

    async configure(config) {
      // Stash does nothing while the key is empty; what is in it does not matter here, unless it is an address.
      if (config.connectionKey !== undefined) this.handyKey = config.connectionKey;
      // Stash's offset is how much later the script is to be.
      const offset = config.scriptOffset ?? config.offset;
      if (offset !== undefined) this.offsetMs = Math.max(-2000, Math.min(2000, Number(offset) || 0));
    }

    async uploadScript(path, apiKey) {
      this.script = null;
      this.playing = false;
      const url = new URL(path, this.setup.page);
      if (apiKey) url.searchParams.set('apikey', apiKey);
      const answer = await this.fetch(url.href, { signal: AbortSignal.timeout(REQUEST_MS) });
      if (!answer.ok) throw new Error(`Stash does not give the script: ${answer.status}`);
      const name = scriptName(path, this.setup.title());
      await this.request('PUT', `/api/v1/scripts/${encodeURIComponent(name)}`, await answer.text());
      this.script = name;
    }

    async play(position) {
      if (!this.script) return;
      if (this.clockOffsetMs === null) await this.readClock();
      this.watchPlayer();
      this.playing = true;
      this.refused = false;
      this.toldAt = this.now();
      try {
        await this.request('POST', '/api/v1/player/play', {
          script: this.script,
          ...this.place(position),
          rate: this.rate(),
          offset_ms: this.offsetMs,
          repeat: this.looping,
        });
      } catch (error) {
        throw this.isRefused(error);
      }
    }

    async pause() {
      if (!this.playing) return;
      this.playing = false;
      await this.change({ paused: true });
    }

    // Called again and again while the video plays.
    async ensurePlaying(position) {
      if (this.refused) return;
      if (!this.playing) return this.play(position);
      if (this.now() - this.toldAt < TELL_EVERY_MS) return;
      this.toldAt = this.now();
      await this.change(this.place(position));
    }

    async setLooping(looping) {
      this.looping = looping;
      if (this.playing) await this.change({ repeat: looping });
    }

    // What the video does besides, which Stash does not tell.

    watchPlayer() {
      const player = this.getPlayer();
      if (!player || player === this.watched) return;
      this.watched = player;
      const tell = (change) => {
        if (this.playing && this.watched === player) this.change(change()).catch(report);
      };
      player.on('ratechange', () => tell(() => ({ ...this.place(player.currentTime()), rate: this.rate() })));
      player.on('seeked', () => tell(() => this.place(player.currentTime())));
      // The video waits for data; Stash's own calls begin again with `ensurePlaying`.
      player.on('waiting', () => this.pause().catch(report));
      player.on('dispose', () => this.pause().catch(report));
    }

    // A position with the instant at which it is shown, on the machine's clock.
    place(position) {
      return { position_s: Math.max(0, position), at_ms: this.now() + this.clockOffsetMs };
    }

    rate() {
      const player = this.getPlayer();
      const rate = player ? player.playbackRate() : 1;
      return Math.max(RATES[0], Math.min(RATES[1], rate || 1));
    }

    // Requests.

    async change(change) {
      try {
        await this.request('PATCH', '/api/v1/player', change);
      } catch (error) {
        throw this.isRefused(error);
      }
    }

    // Something else moves the axis, or a STOP came: only a person's press on the video plays again.
    isRefused(error) {
      this.playing = false;
      this.refused = true;
      return error;
    }

    // How much the machine's clock is ahead of this page's: its answer holds for the middle of the round trip.
    async readClock() {
      const samples = [];
      for (let n = 0; n < CLOCK_SAMPLES; n++) {
        const asked = this.now();
        const { t_ms: machine } = await this.request('GET', '/api/v1/clock');
        const answered = this.now();
        samples.push({ trip: answered - asked, offset: machine - (asked + answered) / 2 });
      }
      samples.sort((a, b) => a.trip - b.trip);
      const believed = samples.slice(0, CLOCK_BELIEVED);
      this.clockOffsetMs = believed.reduce((sum, sample) => sum + sample.offset, 0) / believed.length;
    }

    async request(method, path, body) {
      const { address, token } = await this.setup.read(this.handyKey);
      const headers = { authorization: `Bearer ${token}` };
      if (body !== undefined) headers['content-type'] = 'application/json';
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const init = { method, headers, body: body === undefined ? undefined : text, signal: AbortSignal.timeout(REQUEST_MS) };
      const answer = await this.fetch(address + path, init);
      const said = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(said.detail || `the machine answers ${answer.status}`);
      return said;
    }
  }

  // The title of the scene with its number, so that a person finds it in the machine's list.
  function scriptName(path, title) {
    const number = /\/scene\/(\d+)\//.exec(path)?.[1] ?? '';
    const words = (title || 'scene').replace(/[^\p{L}\p{N} ._-]/gu, ' ').replace(/\s+/g, ' ').trim();
    return `${[...words].slice(0, NAME_CHARACTERS).join('')} ${number}`.trim().replace(/^\.+/, '');
  }

  function report(error) {
    console.warn(`yep: ${error.message}`);
  }

  // The plugin's settings, which Stash keeps. They are read once; a change needs the page to be loaded again, as for Stash's own.
  function setupOf(page, fetch) {
    let settings = null;
    return {
      page,
      title: () => document.querySelector('.scene-header')?.textContent || document.title,
      async read(key) {
        settings ??= (async () => {
          const query = '{ configuration { plugins } }';
          const answer = await fetch(new URL('graphql', page).href, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ query }),
          });
          return (await answer.json()).data?.configuration?.plugins?.yep ?? {};
        })();
        const { address, token } = await settings;
        const chosen = address || (/^https?:\/\//.test(key) ? key : 'http://yep.local');
        return { address: chosen.replace(/\/+$/, ''), token: token ?? '' };
      },
    };
  }

  const page = document.querySelector('base')?.href || `${location.origin}/`;
  const utilities = PluginApi.utils.InteractiveUtils;
  utilities.interactiveClientProvider = () =>
    new YepClient(setupOf(page, fetch.bind(globalThis)), () => utilities.getPlayer(), {
      fetch: fetch.bind(globalThis),
      now: () => performance.now(),
    });
})();
