/** What a receiver sees of a session: each of the others in a tier. Those with the same view get the same bytes. */
import { LIMITS } from '../../../protocol/limits.ts';
import { MOST_TIERS } from './plan-tiers.ts';

export interface View {
  /** The fastest tier of any slot, and that of those who came after the plan. */
  readonly fastest: number;
  /** By slot. Read only. */
  readonly tiers: Uint8Array;
}

/** The views of one session, each once. @bound one for each receiver and MOST_TIERS more, as long as `keep` is called now and then. */
export class Views {
  readonly #uniform: readonly View[] = Array.from({ length: MOST_TIERS }, (_, fastest) => ({ fastest, tiers: new Uint8Array(LIMITS.participantsPerSession).fill(fastest) }));
  #planned = new Map<string, View>();

  /** Everybody as fast as can be. */
  uniform(fastest: number): View {
    const view = this.#uniform[fastest];
    if (view === undefined) throw new RangeError(`no tier ${fastest}`);
    return view;
  }

  /** @param tiers - by slot; those of nobody are `fastest`. Copied. */
  of(fastest: number, tiers: Uint8Array): View {
    if (tiers.every((tier) => tier === fastest)) return this.uniform(fastest);
    // One character a slot; only the slots in front of the last that differs.
    const name = `${fastest}:${Buffer.from(tiers.buffer, tiers.byteOffset, tiers.length).toString('latin1')}`;
    const known = this.#planned.get(name);
    if (known !== undefined) return known;
    const view = { fastest, tiers: Uint8Array.from(tiers) };
    this.#planned.set(name, view);
    return view;
  }

  /** Forgets the planned views that are not among these. */
  keep(used: ReadonlySet<View>): void {
    for (const [name, view] of this.#planned) if (!used.has(view)) this.#planned.delete(name);
  }
}
