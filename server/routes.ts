/** Which models answer which task, and which of them a server has to load. */
import type { Clock } from '../core/clock.ts';
import { VIDEO_TASKS, type Task, type VideoTask } from '../core/tasks.ts';
import type { DevicePool, InferenceScheduler, OutcomeListener } from './flow.ts';
import { readJpegHeader } from './model/jpeg-header.ts';
import { Pipelines } from './pipeline/pipelines.ts';
import type { TaskRoute } from './session/ingest.ts';

/** Which model answers each task, the last of several where it takes more, and how long a result may take to be of use. */
export const ROUTES = {
  gesture: { model: 'gesture-mlp', deadlineMs: 60, priority: 0 },
  'body-pose': { model: 'movenet-lightning', deadlineMs: 150, priority: 1 },
  hands: { model: 'handlandmark-lite', deadlineMs: 200, priority: 1 },
  'body-3d': { model: 'blazepose-lite', deadlineMs: 200, priority: 1 },
  language: { model: 'avatar-language', deadlineMs: 1000, priority: 1 },
} as const satisfies Record<Task, TaskRoute>;

const HAND_DETECTION = 'handdetect';
/** Participants whose hands and bodies are tracked at once. */
const TRACKED_PARTICIPANTS = 8192;

/** The tasks that a server answers. @param videoTasks - those from pictures that it is set to. */
export function servedRoutes(videoTasks: readonly VideoTask[]): Partial<Record<Task, TaskRoute>> {
  const isServed = (task: Task): boolean => videoTasks.some((wanted) => wanted === task) || !VIDEO_TASKS.some((video) => video === task);
  return Object.fromEntries(Object.entries(ROUTES).filter(([task]) => isServed(task as Task)));
}

/** The lighter model of the task that a model answers, where its route has one. */
export function lighterModel(routes: Partial<Record<Task, TaskRoute>>, model: string): string | undefined {
  return Object.values(routes).find((route) => route.model === model)?.lighter;
}

/**
 * What the workers load for those tasks, each model once, with the longest that a batch of it is of use: the whole time
 * of a task that it answers alone, half of one that it is a stage of.
 */
export function modelsToLoad(routes: Partial<Record<Task, TaskRoute>>): { readonly name: string; readonly deadlineMs: number }[] {
  const { hands, 'body-3d': body, ...single } = routes;
  const deadlines = new Map(Object.values(single).map(({ model, deadlineMs }) => [model, deadlineMs]));
  const addStages = (route: TaskRoute | undefined, ...models: readonly string[]): void => {
    if (route === undefined) return;
    for (const model of models) if (!deadlines.has(model)) deadlines.set(model, route.deadlineMs / 2);
  };
  addStages(hands, HAND_DETECTION, ROUTES.hands.model);
  addStages(body, ROUTES['body-pose'].model, ROUTES['body-3d'].model);
  return [...deadlines].map(([name, deadlineMs]) => ({ name, deadlineMs }));
}

export interface PipelinesDeps {
  readonly clock: Clock;
  readonly pool: DevicePool;
  readonly scheduler: () => InferenceScheduler;
  readonly onOutcome: OutcomeListener;
}

/** The stage before the scheduler, for the tasks that take several models. */
export function createPipelines(deps: PipelinesDeps, routes: Partial<Record<Task, TaskRoute>>): Pipelines {
  const { hands, 'body-3d': body, ...single } = routes;
  return new Pipelines(
    { ...deps, pictureSize: sizeOfPicture },
    {
      hands: { detection: HAND_DETECTION, landmarks: ROUTES.hands.model, gesture: routes.gesture },
      body: { keypoints: ROUTES['body-pose'].model, landmarks: ROUTES['body-3d'].model },
      capacity: TRACKED_PARTICIPANTS,
      deadlinesMs: { hands: hands?.deadlineMs, body: body?.deadlineMs },
      single: Object.values(single),
    },
  );
}

function sizeOfPicture(payload: Uint8Array): { readonly width: number; readonly height: number } | undefined {
  const header = readJpegHeader(payload);
  return header.kind === 'baseline' ? header : undefined;
}
