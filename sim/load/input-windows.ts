/** When the inputs of models were sent, in a few stretches of a run: what the clairvoyant optimum is computed from. */

/** One stretch, on the machine's clock, which all processes of a run share. */
export interface InputWindow {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Moments at which they were given to the network, in no order. */
  readonly pictures: readonly number[];
  readonly lines: readonly number[];
  /** Of each headset that sends hands: when its first pose of the stretch was meant to be, and how many it sends a second. */
  readonly hands: readonly (readonly [firstMs: number, poseHz: number])[];
}

const WINDOW_MS = 2000;
const MOST_WINDOWS = 5;
/** Of pictures or lines in one stretch: more than are looked at. What is beyond is left out. */
const MOST_INPUTS = 20_000;

interface OpenWindow extends InputWindow {
  readonly pictures: number[];
  readonly lines: number[];
  readonly hands: [number, number][];
  readonly seen: Set<number>;
}

/** @bound MOST_WINDOWS stretches of MOST_INPUTS inputs of each kind, and a pair for each headset. */
export class InputWindows {
  readonly #windows: readonly OpenWindow[];

  /** Spread evenly over what is measured. */
  constructor({ fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number }) {
    const count = Math.max(0, Math.min(MOST_WINDOWS, Math.floor((untilMs - fromMs) / WINDOW_MS)));
    const strideMs = (untilMs - fromMs) / Math.max(1, count);
    this.#windows = Array.from({ length: count }, (_, index) => {
      const startMs = fromMs + index * strideMs + (strideMs - WINDOW_MS) / 2;
      return { fromMs: startMs, untilMs: startMs + WINDOW_MS, pictures: [], lines: [], hands: [], seen: new Set() };
    });
  }

  note(kind: 'pictures' | 'lines', sentMs: number): void {
    const inputs = this.#at(sentMs)?.[kind];
    if (inputs !== undefined && inputs.length < MOST_INPUTS) inputs.push(sentMs);
  }

  noteHands(headset: number, poseHz: number, intendedMs: number): void {
    const window = this.#at(intendedMs);
    if (window === undefined || window.seen.has(headset)) return;
    window.seen.add(headset);
    window.hands.push([intendedMs, poseHz]);
  }

  encode(): InputWindow[] {
    return this.#windows.map(({ fromMs, untilMs, pictures, lines, hands }) => ({ fromMs, untilMs, pictures, lines, hands }));
  }

  #at(timeMs: number): OpenWindow | undefined {
    return this.#windows.find(({ fromMs, untilMs }) => timeMs >= fromMs && timeMs < untilMs);
  }
}

/** The stretches of several processes together: they are the same stretches. */
export function joinWindows(all: readonly (readonly InputWindow[])[]): InputWindow[] {
  const [first = []] = all;
  return first.map(({ fromMs, untilMs }, index) => {
    const parts = all.flatMap((windows) => windows[index] ?? []);
    return { fromMs, untilMs, pictures: parts.flatMap(({ pictures }) => pictures), lines: parts.flatMap(({ lines }) => lines), hands: parts.flatMap(({ hands }) => hands) };
  });
}
