/** Calls about plans for retraining, which the operator has put into a folder. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../../core/errors.ts';
import { retrainByPlan } from '../../retrain/by-plan.ts';
import { readPlan } from '../../retrain/plan.ts';
import { readState, retrainState } from '../../retrain/state.ts';
import type { RetrainResult } from '../../retrain/retrain.ts';
import { call, type Call } from '../call.ts';
import { jobRecord } from '../job-desk.ts';
import { refuseBusy, type ApiParts } from '../parts.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const planView = z.strictObject({ name: z.string(), model: z.string(), /** How far the last call has come, and how the one before ended. */ state: retrainState });

export function planCalls(parts: ApiParts): Call[] {
  const { plansFolder, desk, clock } = parts;
  const names = (): string[] => (plansFolder === undefined || !existsSync(plansFolder) ? [] : readdirSync(plansFolder).filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5)).filter((own) => NAME.test(own)).sort());
  const planOf = (name: string): ReturnType<typeof readPlan> => {
    if (plansFolder === undefined || !names().includes(name)) throw new CopresenceError('NOT_FOUND', `no plan ${name.slice(0, 80)}`);
    return readPlan(join(plansFolder, `${name}.json`));
  };
  const view = (name: string): z.infer<typeof planView> => {
    const { model, work } = planOf(name);
    return { name, model, state: readState(work) };
  };
  return [
    call({ method: 'GET', path: '/v1/plans', roles: ['read'], summary: 'Lists plans for retraining, and how the last retraining went', status: 200, answer: z.strictObject({ plans: z.array(planView) }), run: () => ({ plans: names().map(view) }) }),
    call({
      method: 'POST', path: '/v1/plans/{name}/run', roles: ['train', 'publish'], summary: 'Retrains by a plan once, or goes on where it was interrupted', status: 202, answer: z.strictObject({ plan: z.string(), job: jobRecord }),
      run({ caller, param }) {
        const name = param('name');
        const plan = planOf(name);
        refuseBusy(parts, `plan ${name}`);
        const job = desk.ask({
          kind: 'retrain', by: caller.name, about: `plan ${name}`,
          work: async ({ signal, onProgress }) => tellOf(await retrainByPlan(plan, {
            clock, signal, by: caller.name, onProgress,
            onStep: ({ step }) => onProgress({ stage: step, done: 0, total: 1 }),
            say: (detail) => onProgress({ stage: 'tell', done: 0, total: 1, detail }),
          })),
        });
        return { plan: name, job };
      },
    }),
  ];
}

function tellOf(result: RetrainResult): string {
  if (result.kind === 'unchanged') return 'nothing new to learn from since the last time';
  const { outcome, figures, version } = result.cycle;
  const measured = figures === undefined ? '' : `macro F1 ${figures.candidate.toFixed(3)}, in production ${figures.production.toFixed(3)}: `;
  return `${measured}${outcome === 'refused' ? 'not good enough, nothing was published' : `version ${version ?? ''} is ${outcome === 'on-trial' ? 'on trial' : 'published'}`}`;
}
