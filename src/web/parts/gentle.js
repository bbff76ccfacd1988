// A deeper or longer stroke arrives in small steps over some seconds; a smaller one at once.

/** Growth, in mm/s, and the time between two steps. */
const GROWTH_MM_S = 20;
const STEP_MS = 250;

/**
 * The next part of the range on the way to a wanted one: no end of it goes outward by more than one step, and none beyond the other.
 * @param {{from_mm: number, to_mm: number}} now
 * @param {{from_mm: number, to_mm: number}} wanted
 */
function nextWindow(now, wanted) {
  const step = (GROWTH_MM_S * STEP_MS) / 1000;
  return {
    from_mm: Math.min(now.to_mm, Math.max(wanted.from_mm, now.from_mm - step)),
    to_mm: Math.max(now.from_mm, Math.min(wanted.to_mm, now.to_mm + step)),
  };
}

/** Goes to a part of the range, step by step, as long as `isWanted`; `send` makes a step. */
export class GentleWindow {
  #wanted = null;
  #timer = 0;
  #now;
  #send;

  /** `now` tells the part of the range that is in force; null while nothing runs. */
  constructor(now, send) {
    this.#now = now;
    this.#send = send;
  }

  /** The part that is wanted, while it is not yet in force. */
  get wanted() {
    return this.#wanted;
  }

  /** Wants another part of the range from now on. */
  async go(wanted) {
    this.#wanted = wanted;
    clearTimeout(this.#timer);
    await this.#step();
  }

  /** Wants nothing any more. */
  end() {
    this.#wanted = null;
    clearTimeout(this.#timer);
  }

  async #step() {
    const [now, wanted] = [this.#now(), this.#wanted];
    if (!now || !wanted) {
      this.end();
      return;
    }
    const next = nextWindow(now, wanted);
    try {
      await this.#send(next);
    } catch (problem) {
      this.end();
      throw problem;
    }
    const isThere = Math.abs(next.from_mm - wanted.from_mm) < 0.05 && Math.abs(next.to_mm - wanted.to_mm) < 0.05;
    if (isThere) this.end();
    else this.#timer = setTimeout(() => this.#step().catch(() => {}), STEP_MS);
  }
}
