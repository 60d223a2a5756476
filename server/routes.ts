/** Which models answer which task, and which of them a server has to load. */
import type { Clock } from '../core/clock.ts';
import { HAND_TASKS, VIDEO_TASKS, type Task } from '../core/tasks.ts';
import type { Config } from './config.ts';
import type { DevicePool, InferenceScheduler, OutcomeListener } from './flow.ts';
import { readJpegHeader } from './model/jpeg-header.ts';
import { Pipelines } from './pipeline/pipelines.ts';
import type { TaskRoute } from './session/ingest.ts';

/** Which model answers each task, the last of several where it takes more, and how long a result may take to be of use. */
export const ROUTES = {
  gesture: { model: 'gesture-mlp', deadlineMs: 60, priority: 0 },
  'dynamic-gesture': { model: 'dynamic-gesture-mlp', deadlineMs: 150, priority: 1 },
  'body-pose': { model: 'movenet-lightning', deadlineMs: 150, priority: 1 },
  hands: { model: 'handlandmark-lite', deadlineMs: 200, priority: 1 },
  'body-3d': { model: 'blazepose-lite', deadlineMs: 200, priority: 1 },
  language: { model: 'avatar-language', deadlineMs: 1000, priority: 1 },
} as const satisfies Record<Task, TaskRoute>;

const HAND_DETECTION = 'handdetect';
/** What a 3D body is looked for with; its joints need not be exact. */
const BODY_KEYPOINTS = 'movenet-lightning';

/** The settings that decide what is served: by default every task, by the lightest models. */
export type RouteSettings = Partial<Pick<Config, 'hand-tasks' | 'video-tasks' | 'body-pose-model' | 'hands-model'>>;
/** Whoever calls from outside brings a deadline of their own; a batch should not take longer than this. */
const CALLED_DEADLINE_MS = 100;
/** Participants whose hands and bodies are tracked at once. */
const TRACKED_PARTICIPANTS = 8192;

/** The tasks that a server answers; one whose model is not the lightest has that for times of overload. */
export function servedRoutes(settings: RouteSettings): Partial<Record<Task, TaskRoute>> {
  const { 'hand-tasks': handTasks = HAND_TASKS, 'video-tasks': videoTasks = VIDEO_TASKS, 'body-pose-model': bodyPose, 'hands-model': hands } = settings;
  const asked: readonly Task[] = [...handTasks, ...videoTasks, 'language'];
  const isServed = (task: Task): boolean => asked.includes(task);
  const routes: Record<Task, TaskRoute> = { ...ROUTES, 'body-pose': withModel(ROUTES['body-pose'], bodyPose), hands: withModel(ROUTES.hands, hands) };
  return Object.fromEntries(Object.entries(routes).filter(([task]) => isServed(task as Task)));
}

function withModel(route: TaskRoute, model: string | undefined): TaskRoute {
  return model === undefined || model === route.model ? route : { ...route, model, lighter: route.model };
}

/** The model whose time a lighter one has, where it stands in for another; itself otherwise. */
export function heavierModel(routes: Partial<Record<Task, TaskRoute>>, model: string): string {
  return Object.values(routes).find((route) => route.lighter === model)?.model ?? model;
}

/** The lighter model of the task that a model answers, where its route has one. */
export function lighterModel(routes: Partial<Record<Task, TaskRoute>>, model: string): string | undefined {
  return Object.values(routes).find((route) => route.model === model)?.lighter;
}

/**
 * What the workers load for those tasks, each model once, with the longest that a batch of it is of use: the whole time
 * of a task that it answers alone, half of one that it is a stage of.
 *
 * @param called - models that no task needs and that outside callers may ask.
 */
export function modelsToLoad(routes: Partial<Record<Task, TaskRoute>>, called: readonly string[] = []): { readonly name: string; readonly deadlineMs: number }[] {
  const { hands, 'body-3d': body, ...single } = routes;
  const deadlines = new Map(Object.values(single).map(({ model, deadlineMs }) => [model, deadlineMs]));
  const addStages = (route: TaskRoute | undefined, ...models: readonly string[]): void => {
    if (route === undefined) return;
    for (const model of models) if (!deadlines.has(model)) deadlines.set(model, route.deadlineMs / 2);
  };
  for (const { lighter, deadlineMs } of Object.values(single)) if (lighter !== undefined) deadlines.set(lighter, deadlineMs);
  addStages(hands, HAND_DETECTION, ...modelsOf(hands));
  addStages(body, BODY_KEYPOINTS, ...modelsOf(body));
  for (const name of called) if (!deadlines.has(name)) deadlines.set(name, CALLED_DEADLINE_MS);
  return [...deadlines].map(([name, deadlineMs]) => ({ name, deadlineMs }));
}

function modelsOf(route: TaskRoute | undefined): readonly string[] {
  return [route?.model, route?.lighter].filter((model) => model !== undefined);
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
      hands: { detection: HAND_DETECTION, landmarks: hands?.model ?? ROUTES.hands.model, gesture: routes.gesture },
      body: { keypoints: BODY_KEYPOINTS, landmarks: ROUTES['body-3d'].model },
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
