/** What holds for one session: who may come in, how many, for how long, and what is said of it. */
import { LIMITS } from '../../protocol/limits.ts';
import type { Metadata, Visibility } from '../../protocol/message/session.ts';
import { Bans } from './bans.ts';

/** As a session is made. */
export interface SessionSettings {
  readonly code: string;
  readonly visibility: Visibility;
  /** 1..LIMITS.participantsPerSession. */
  readonly capacity: number;
  readonly metadata: Metadata;
  /** Server clock. */
  readonly createdMs: number;
  /** From `createdMs`; undefined without an end. */
  readonly maxAgeMs: number | undefined;
  readonly locked?: boolean;
  /** Subjects, the oldest first. */
  readonly banned?: readonly string[];
}

/** `Session` changes them, and tells of it. */
export class SessionRules {
  readonly code: string;
  readonly visibility: Visibility;
  readonly capacity: number;
  readonly createdMs: number;
  readonly maxAgeMs: number | undefined;
  readonly bans = new Bans(LIMITS.bansPerSession);
  metadata: Metadata;
  locked: boolean;
  /** The end is near. */
  ending = false;

  constructor(settings: SessionSettings) {
    this.code = settings.code;
    this.visibility = settings.visibility;
    this.capacity = settings.capacity;
    this.createdMs = settings.createdMs;
    this.maxAgeMs = settings.maxAgeMs;
    this.metadata = settings.metadata;
    this.locked = settings.locked ?? false;
    for (const subject of settings.banned ?? []) this.bans.add(subject);
  }
}

/** Whether `metadata` has everything that is wanted, with equal values. */
export function hasMetadata(metadata: Metadata, wanted: Metadata): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value);
}
