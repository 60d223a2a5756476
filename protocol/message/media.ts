/** Voice and video between participants: what a client asks of the forwarding unit, and what it hears. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';
import { slot } from './common.ts';

const id = z.string().check(z.minLength(1), z.maxLength(LIMITS.nameLength));
/** Of ORTC, in the form of mediasoup's client: checked by the forwarding unit, and bounded by LIMITS.controlBytes here. */
const parameters = z.record(z.string(), z.unknown());
const dtlsParameters = z.strictObject({
  role: z.optional(z.enum(['auto', 'client', 'server'])),
  fingerprints: z.array(z.strictObject({
    algorithm: z.enum(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']),
    value: z.string().check(z.regex(/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){19,63}$/)),
  })).check(z.minLength(1), z.maxLength(5)),
});
const kind = z.enum(['audio', 'video']);
const request = z.int().check(z.minimum(0), z.maximum(2 ** 31 - 1));

const mediaAsk = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('capabilities') }),
  z.strictObject({ do: z.literal('open'), direction: z.enum(['send', 'receive']) }),
  z.strictObject({ do: z.literal('connect'), transportId: id, dtlsParameters }),
  z.strictObject({ do: z.literal('produce'), transportId: id, kind, rtpParameters: parameters }),
  z.strictObject({ do: z.literal('consume'), transportId: id, producerId: id, rtpCapabilities: parameters }),
  z.strictObject({ do: z.literal('resume'), consumerId: id }),
  z.strictObject({ do: z.literal('close'), id }),
]);
export type MediaAsk = z.infer<typeof mediaAsk>;

export const mediaMessage = z.strictObject({
  type: z.literal('media'),
  /** The client's own number, which the reply repeats. */
  request,
  ask: mediaAsk,
});

/** One for each `media` that matches its schema. */
export const mediaReplyMessage = z.strictObject({
  type: z.literal('media-reply'),
  request,
  /** The code of the error that tells more; undefined when it was done. */
  refused: z.optional(z.string().check(z.maxLength(LIMITS.nameLength))),
  value: z.optional(parameters),
});

const producer = z.strictObject({ producerId: id, slot, kind });
export type MediaProducer = z.infer<typeof producer>;

export const mediaEventMessage = z.strictObject({
  type: z.literal('media-event'),
  /** `lost`: every transport is gone with the forwarding unit. `ready`: it is back, so begin again. */
  event: z.enum(['produced', 'ended', 'lost', 'ready']),
  /** With `produced` and `ended`. */
  producer: z.optional(producer),
});
