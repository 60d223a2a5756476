/** The kinds of inference: what a session is told, and what single models do. */

/** What a session gets results of. */
export const TASKS = ['body-pose', 'body-3d', 'hands', 'gesture', 'dynamic-gesture', 'language'] as const;
export type Task = (typeof TASKS)[number];

/** Those of them that are answered from a camera's pictures. */
export const VIDEO_TASKS = ['body-pose', 'body-3d', 'hands'] as const satisfies readonly Task[];
export type VideoTask = (typeof VIDEO_TASKS)[number];

/** Those that are answered from the hands and controllers of poses. */
export const HAND_TASKS = ['gesture', 'dynamic-gesture'] as const satisfies readonly Task[];

export function isVideoTask(task: Task): task is VideoTask {
  return VIDEO_TASKS.some((video) => video === task);
}

/**
 * What one model does. A task is answered by the model of the same name, or by several models in a row; `classification` names
 * rows of any kind, `pose-prediction` says where heads and hands will be, and neither answers a task of a session.
 */
export const MODEL_TASKS = ['body-pose', 'body-landmarks', 'hand-detection', 'hand-landmarks', 'gesture', 'dynamic-gesture', 'language', 'classification', 'pose-prediction'] as const;
export type ModelTask = (typeof MODEL_TASKS)[number];
