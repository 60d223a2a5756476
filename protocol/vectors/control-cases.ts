/** The values behind the golden vectors of the control messages: every type, and every kind of result. */
import type { DownMessage } from '../down.ts';
import type { ResultValue } from '../message/result.ts';
import type { UpMessage } from '../up.ts';
import type { Case } from './cases.ts';

const CONSENT = { inference: true, recording: false, training: false };
const ADA = { slot: 0, participantId: 'a3c1', name: 'Ada', role: 'host', presence: 'live' } as const;
const GRACE = { slot: 1, participantId: 'b7f2', name: 'Grace \u{1F44B}', role: 'participant', presence: 'away' } as const;

/** Fields in the order of the schema, which is the order of the vectors' bytes. */
function result(model: string, value: ResultValue, chat: { chatId?: number } = {}): DownMessage {
  return { type: 'result', slot: 1, model, version: '1', batchId: 77, batchSize: 4, captureMs: 60000.5, ageMs: 18.25, ...chat, value };
}

export const UP_MESSAGES: readonly Case<UpMessage>[] = [
  {
    name: 'hello',
    value: { type: 'hello', version: 1, oldestVersion: 1, capabilities: ['pose', 'hands', 'video-jpeg'], token: 'header.payload.signature', deviceMs: 1234.5, client: 'quest/1.0' },
  },
  { name: 'hello without a client name', value: { type: 'hello', version: 2, oldestVersion: 1, capabilities: [], token: 't', deviceMs: 0 } },
  { name: 'join', value: { type: 'join', session: 'studio-1', name: 'Ada', consent: CONSENT } },
  { name: 'join with pictures', value: { type: 'join', session: 'studio-1', name: 'Ada', consent: CONSENT, video: ['hands', 'body-3d'] } },
  { name: 'resume', value: { type: 'resume', resumeToken: 'Zm9v' } },
  { name: 'leave', value: { type: 'leave' } },
  { name: 'consent', value: { type: 'consent', consent: { inference: true, recording: true, training: true } } },
  { name: 'say', value: { type: 'say', text: 'Gr\u00fc\u00dfe, \u4f60\u597d \u{1F44B}', captureMs: 2000.0625 } },
  { name: 'snapshots', value: { type: 'snapshots', rateHz: 36, bytesPerSecond: 60000 } },
  { name: 'snapshots, as many as there are', value: { type: 'snapshots' } },
  { name: 'clock', value: { type: 'clock', deviceMs: 123456.789 } },
  { name: 'pong', value: { type: 'pong', serverMs: 60000, deviceMs: 1234.25 } },
  { name: 'record start', value: { type: 'record', action: 'start' } },
  {
    name: 'create',
    value: {
      type: 'create', session: 'studio-1', name: 'Ada', consent: CONSENT, video: ['hands'], capacity: 8,
      metadata: { map: 'harbour', level: 3, ranked: true }, visibility: 'listed', maxAgeS: 3600,
    },
  },
  { name: 'create with nothing said', value: { type: 'create', name: 'Ada', consent: CONSENT } },
  { name: 'join-code', value: { type: 'join-code', code: 'K7XW2M', name: 'Ada', consent: CONSENT } },
  { name: 'list', value: { type: 'list', filter: { map: 'harbour' }, after: 12, limit: 5 } },
  { name: 'list with nothing said', value: { type: 'list' } },
  { name: 'lock', value: { type: 'lock' } },
  { name: 'unlock', value: { type: 'unlock' } },
  { name: 'kick', value: { type: 'kick', participantId: 'b7f2', ban: true } },
  { name: 'match', value: { type: 'match', name: 'Ada', consent: CONSENT, metadata: { mode: 'duel' }, min: 2, max: 4, timeoutMs: 30000 } },
  { name: 'match-cancel', value: { type: 'match-cancel' } },
  { name: 'set-metadata', value: { type: 'set-metadata', metadata: {} } },
  { name: 'record stop', value: { type: 'record', action: 'stop' } },
  { name: 'moved', value: { type: 'moved' } },
  { name: 'media capabilities', value: { type: 'media', request: 1, ask: { do: 'capabilities' } } },
  { name: 'media open', value: { type: 'media', request: 2, ask: { do: 'open', direction: 'send' } } },
  {
    name: 'media connect',
    value: { type: 'media', request: 3, ask: { do: 'connect', transportId: 't1', dtlsParameters: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: Array(32).fill('A0').join(':') }] } } },
  },
  {
    name: 'media produce',
    value: { type: 'media', request: 4, ask: { do: 'produce', transportId: 't1', kind: 'audio', rtpParameters: { codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2 }] } } },
  },
  { name: 'media consume', value: { type: 'media', request: 5, ask: { do: 'consume', transportId: 't2', producerId: 'p1', rtpCapabilities: { codecs: [], headerExtensions: [] } } } },
  { name: 'media resume', value: { type: 'media', request: 6, ask: { do: 'resume', consumerId: 'c1' } } },
  { name: 'media close', value: { type: 'media', request: 7, ask: { do: 'close', id: 'p1' } } },
];

export const DOWN_MESSAGES: readonly Case<DownMessage>[] = [
  {
    name: 'welcome',
    value: { type: 'welcome', version: 1, capabilities: ['pose', 'hands'], server: 'copresence/0.1.0', connectionId: 'c1', serverMs: 60000.125, heartbeatMs: 1000 },
  },
  {
    name: 'joined',
    value: {
      type: 'joined', session: 'studio-1', slot: 0, participantId: 'a3c1', role: 'host', grants: ['publish-pose', 'chat', 'subscribe', 'record'],
      resumed: false, resumeToken: 'Zm9v', resumeMs: 30000, tickRateHz: 36, recording: false, participants: [ADA, GRACE],
    },
  },
  { name: 'media-reply', value: { type: 'media-reply', request: 4, value: { producerId: 'p1' } } },
  { name: 'media-reply refused', value: { type: 'media-reply', request: 4, refused: 'GRANT_MISSING' } },
  { name: 'media-event produced', value: { type: 'media-event', event: 'produced', producer: { producerId: 'p1', slot: 1, kind: 'audio' } } },
  { name: 'media-event lost', value: { type: 'media-event', event: 'lost' } },
  { name: 'left', value: { type: 'left' } },
  { name: 'presence joined', value: { type: 'presence', event: 'joined', participant: ADA } },
  { name: 'presence away', value: { type: 'presence', event: 'away', participant: GRACE } },
  { name: 'presence back', value: { type: 'presence', event: 'back', participant: { ...GRACE, presence: 'live' } } },
  { name: 'presence left', value: { type: 'presence', event: 'left', participant: GRACE } },
  { name: 'chat', value: { type: 'chat', chatId: 12, slot: 1, text: 'hello', captureMs: 60000.5 } },
  { name: 'clock-reply', value: { type: 'clock-reply', deviceMs: 123456.789, arrivedMs: 60000, sentMs: 60000.0625 } },
  { name: 'ping', value: { type: 'ping', serverMs: 61000 } },
  { name: 'result body-pose', value: result('body-pose', { task: 'body-pose', keypoints: Array.from({ length: 51 }, (_, index) => index / 64), score: 0.75 }) },
  { name: 'result body-3d', value: result('blazepose', { task: 'body-3d', landmarks: Array.from({ length: 132 }, (_, index) => index / 64 - 1), world: Array.from({ length: 99 }, (_, index) => index / 64), score: 0.5 }) },
  {
    name: 'result hands',
    value: result('hand-landmarks', {
      task: 'hands', hands: [{ hand: 'right', landmarks: Array.from({ length: 63 }, (_, index) => index / 64), world: Array.from({ length: 63 }, (_, index) => index / 64), score: 0.875 }],
    }),
  },
  { name: 'result gesture', value: result('gesture', { task: 'gesture', source: 'tracking', hand: 'left', label: 'pinch', score: 0.9375 }) },
  { name: 'result dynamic-gesture', value: result('movements', { task: 'dynamic-gesture', hand: 'right', label: 'clockwise', score: 0.9375 }) },
  {
    name: 'result language',
    value: result('language', {
      task: 'language', sentiment: { label: 'positive', score: 0.875 }, emotions: [{ label: 'joy', score: 0.5 }, { label: 'surprise', score: 0.125 }],
      intent: { label: 'greeting', score: 0.625 }, moderation: { label: 'ok', score: 0.96875, flagged: false },
    }, { chatId: 12 }),
  },
  {
    name: 'result language with entities',
    value: result('language', {
      task: 'language', sentiment: { label: 'neutral', score: 0.75 }, emotions: [], intent: null, moderation: { label: 'ok', score: 0.9375, flagged: false },
      script: 'latin', entities: [{ label: 'person', start: 0, end: 3, score: 0.875 }, { label: 'location', start: 15, end: 24, score: 0.625 }],
    }, { chatId: 14 }),
  },
  {
    name: 'result language without an intent',
    value: result('language', {
      task: 'language', sentiment: { label: 'neutral', score: 0.5 }, emotions: [], intent: null, moderation: { label: 'spam', score: 0.75, flagged: true },
    }, { chatId: 13 }),
  },
  { name: 'pace with a moment', value: { type: 'pace', stream: 'camera', rateHz: 15, captureMs: 60012.5, reason: 'phase' } },
  { name: 'key-frame', value: { type: 'key-frame', stream: 'camera' } },
  { name: 'pace without one', value: { type: 'pace', stream: 'hands', rateHz: 0, reason: 'load' } },
  { name: 'move to another server', value: { type: 'move', to: 'wss://two.example/', reason: 'drain', withinMs: 5000, resume: true } },
  { name: 'move anywhere', value: { type: 'move', reason: 'drain', withinMs: 2000, resume: false } },
  {
    name: 'session-info',
    value: {
      type: 'session-info', session: 'studio-1', code: 'K7XW2M', visibility: 'private', host: 0, capacity: 8, locked: true,
      metadata: { map: 'harbour' }, createdMs: 60000.5, maxAgeS: 3600, ending: false,
    },
  },
  {
    name: 'session-info without host and end',
    value: { type: 'session-info', session: 'a', code: '222222', visibility: 'open', host: null, capacity: 1024, locked: false, metadata: {}, createdMs: 0, maxAgeS: null, ending: false },
  },
  {
    name: 'sessions',
    value: { type: 'sessions', sessions: [{ session: 'studio-1', size: 3, capacity: 8, locked: false, metadata: { map: 'harbour' }, createdMs: 60000.5 }], next: 12 },
  },
  { name: 'matched', value: { type: 'matched', session: 'studio-1', waitedMs: 1250.5 } },
  { name: 'unmatched', value: { type: 'unmatched', reason: 'timeout' } },
  { name: 'sessions, the last page', value: { type: 'sessions', sessions: [], next: null } },
  { name: 'recording', value: { type: 'recording', active: true, recorded: 3 } },
  {
    name: 'error that refuses one message',
    value: { type: 'error', code: 'RATE_LIMITED', detail: 'too many messages of this type', about: 'say', retry: 'later', retryAfterMs: 1000, closing: false },
  },
  { name: 'error that closes', value: { type: 'error', code: 'TOKEN_INVALID', detail: 'expired', about: 'hello', retry: 'never', closing: true } },
];

