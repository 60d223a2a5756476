/** The kinds of inference that the server offers; a model does exactly one. */
export const TASKS = ['body-pose', 'gesture', 'language'] as const;
export type Task = (typeof TASKS)[number];
