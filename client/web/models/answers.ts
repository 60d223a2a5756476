/** What the service answers, as far as the page looks at it. */

export interface Me {
  readonly name: string;
  readonly roles: readonly string[];
  /** Whether the service knows a server. */
  readonly server: boolean;
}

export interface Job {
  readonly id: string;
  readonly kind: string;
  readonly by: string;
  readonly about: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted';
  readonly progress?: { readonly stage: string; readonly done: number; readonly total: number; readonly detail?: string; readonly epoch?: { readonly loss: number; readonly validationLoss: number } };
  readonly outcome?: string;
  readonly code?: string;
  readonly detail?: string;
}

export interface DataSet {
  readonly name: string;
  readonly version: string;
  readonly labels: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly participants: number;
  readonly samples: { readonly count: number };
}

export interface Inspection {
  readonly cleaning: { readonly seen: number; readonly kept: number; readonly byReason: Readonly<Record<string, number>> };
  readonly labels: readonly { readonly label: string; readonly samples: number; readonly kept: number; readonly participants: number }[];
}

export interface Run {
  readonly id: string;
  readonly problem?: string;
  readonly name: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly failure?: string;
  readonly config: { readonly family: string };
  readonly lineage: { readonly dataset: { readonly name: string; readonly samples: number } };
  readonly optimised: boolean;
  readonly figures?: { readonly accuracy?: number; readonly macroF1?: number; readonly bytes: number; readonly medianMs: number };
}

export interface Tuning {
  readonly id: string;
  readonly problem?: string;
  readonly state: 'running' | 'done';
  readonly trials: number;
  readonly base: { readonly family: string };
  readonly best?: { readonly number: number; readonly score: number };
}

export interface Imported {
  readonly id: string;
  readonly manifest: { readonly name: string; readonly task: string; readonly labels: Readonly<Record<string, readonly string[]>>; readonly licence: string };
}

export interface Plan {
  readonly name: string;
  readonly model: string;
  readonly state: { readonly cycle?: { readonly step: string }; readonly last?: { readonly number: number; readonly outcome?: string; readonly version?: string } };
}

export interface Model {
  readonly name: string;
  readonly versions: readonly string[];
  readonly aliases: Readonly<Record<string, string>>;
}

export interface Rollout {
  readonly served: { readonly version: string; readonly rollout?: { readonly version: string; readonly state: string; readonly percent?: number } };
  readonly watched: readonly { readonly version: string; readonly findings?: readonly { readonly trouble: string; readonly level: string }[] }[];
}

/** All that the page shows beside jobs. */
export interface Everything {
  readonly datasets: readonly DataSet[];
  readonly inspections: ReadonlyMap<string, Inspection>;
  readonly runs: readonly Run[];
  readonly tunings: readonly Tuning[];
  readonly folds: readonly string[];
  readonly imports: readonly Imported[];
  readonly plans: readonly Plan[];
  readonly models: readonly Model[];
  /** By model, where the service knows a server that serves it. */
  readonly rollouts: ReadonlyMap<string, Rollout>;
}
