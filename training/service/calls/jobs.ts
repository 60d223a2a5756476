/** Calls about jobs, and about whoever asks. */
import { z } from 'zod';
import { ROLES } from '../access.ts';
import { call, type Call } from '../call.ts';
import { jobRecord } from '../job-desk.ts';
import { JobEvents } from '../job-events.ts';
import type { ApiParts } from '../parts.ts';

export function jobCalls({ desk, clock, admin }: ApiParts): Call[] {
  const events = new JobEvents(desk, clock);
  return [
    call({ method: 'GET', path: '/v1/me', roles: [], summary: 'Says whose the token is, what it may, and whether this service knows a server', status: 200, answer: z.strictObject({ name: z.string(), roles: z.array(z.enum(ROLES)), server: z.boolean() }), run: ({ caller: { name, roles } }) => ({ name, roles: [...roles], server: admin !== undefined }) }),
    call({ method: 'GET', path: '/v1/jobs', roles: ['read'], summary: 'Lists jobs, the newest first', status: 200, answer: z.strictObject({ jobs: z.array(jobRecord) }), run: () => ({ jobs: desk.list() }) }),
    call({ method: 'GET', path: '/v1/jobs/events', roles: ['read'], summary: 'Tells of every job as it goes, as server-sent events', status: 200, type: 'text/event-stream', run: ({ context }) => events.stream(context) }),
    call({ method: 'GET', path: '/v1/jobs/{id}', roles: ['read'], summary: 'Where a job stands', status: 200, answer: jobRecord, run: ({ param }) => desk.get(param('id')) }),
    call({ method: 'GET', path: '/v1/jobs/{id}/events', roles: ['read'], summary: 'Tells of a job as it goes, as server-sent events, until it ends', status: 200, type: 'text/event-stream', run: ({ context, param }) => events.stream(context, param('id')) }),
    call({ method: 'DELETE', path: '/v1/jobs/{id}', roles: ['train'], summary: 'Ends a job; what it had written stays', status: 202, answer: jobRecord, run: ({ param }) => desk.cancel(param('id')) }),
  ];
}
