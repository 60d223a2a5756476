/** Where to look next for the most senders that a server bears: pure, so that what it asks for can be tested. */

/** What was seen at one number of senders. */
export interface Trial {
  readonly senders: number;
  readonly borne: boolean;
}

export interface KneeSearch {
  /** Where to begin. */
  readonly first: number;
  /** No more are tried. */
  readonly most: number;
  /** Members of a session, in whose parts the search steps. */
  readonly members: number;
}

export type KneeStep = { readonly kind: 'try'; readonly senders: number } | { readonly kind: 'found'; readonly senders: number };

/** The knee is known when what is borne and what is not are this share apart. */
const RESOLUTION = 0.1;
const GROWTH = 1.5;

/**
 * Grows by half until a trial is not borne, then halves the gap by its geometric middle.
 *
 * A trial that is not borne outweighs later ones above it, so a machine that was busy for a moment makes the knee smaller, never larger.
 *
 * @returns the next number of senders to try, or the most that are borne; 0 for none.
 * @bound about log(most / first) / log(1.5) + 4 trials, or log2(first) + 4.
 */
export function nextKneeStep(trials: readonly Trial[], search: KneeSearch): KneeStep {
  const missed = Math.min(Infinity, ...trials.filter(({ borne }) => !borne).map(({ senders }) => senders));
  const borne = Math.max(0, ...trials.filter((trial) => trial.borne && trial.senders < missed).map(({ senders }) => senders));
  if (trials.length === 0) return { kind: 'try', senders: wholeParts(Math.min(search.first, search.most), search.members) };
  if (missed === Infinity) {
    // By a part at least: half of a small number may round to nothing.
    const next = Math.min(Math.max(wholeParts(borne * GROWTH, search.members), borne + partOf(borne, search.members)), search.most);
    return next > borne ? { kind: 'try', senders: next } : { kind: 'found', senders: borne };
  }
  if (missed - borne <= Math.max(partOf(borne, search.members), RESOLUTION * borne)) return { kind: 'found', senders: borne };
  const middle = wholeParts(borne === 0 ? missed / 2 : Math.sqrt(borne * missed), search.members);
  return middle > borne && middle < missed ? { kind: 'try', senders: middle } : { kind: 'found', senders: borne };
}

/** Large numbers in quarters of a session, small ones in sixteenths. */
function wholeParts(senders: number, members: number): number {
  const part = partOf(senders, members);
  return Math.max(1, Math.round(senders / part) * part);
}

function partOf(senders: number, members: number): number {
  return Math.max(1, senders < members ? members >> 4 : members >> 2);
}
