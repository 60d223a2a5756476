/** The command line of `sim load`. */
import { parseArgs } from 'node:util';
import { CopresenceError } from '../../core/errors.ts';
import { checkProfile, readProfile } from './read-profile.ts';
import type { Profile } from './profile.ts';

export interface LoadOptions {
  readonly profile: Profile;
  readonly url: string;
  readonly tokenKey: string | undefined;
  readonly token: string | undefined;
  readonly sessionPrefix: string;
  readonly processes: number;
  readonly recording: string | undefined;
  /** Where the page goes; the JSON goes beside it. */
  readonly report: string | undefined;
  readonly findKnee: boolean;
  readonly repetitions: number;
}

export const LOAD_HELP = `Usage: copresence-sim load --url ws://host:port (--token-key <key> | --token <token>) [options]

Plays a profile with light virtual headsets, by an open schedule, and judges it by thresholds.

  --url <url>            the server
  --token-key <key>      the server's token key: each headset gets a token of its own
  --token <token>        or one token for all, good for session '*'
  --profile <file>       phases, headsets, faults and thresholds, as JSON or as a TypeScript module (docs/simulator.md)
  --headsets <n>         without a profile: that many for --duration (100)
  --duration <s>         (30, after 3 of warm-up)
  --pose-hz <n>          poses a second of each (72)
  --session-size <n>     headsets in a session (10)
  --seed <n>             in place of the profile's: who is like what, and whom a fault befalls
  --processes <n>        processes that share the sessions, each a core's worth of load (1)
  --recording <file>     replay an MCAP recording in place of the packaged movements
  --session <prefix>     in front of the sessions' numbers (load)
  --find-knee            raise the number of headsets until a threshold breaks; each probe is as long as the profile
  --repetitions <n>      searches of --find-knee, each with another seed; the interval is over them (3)
  --report <file>        write the report as a page, and as JSON beside it

Exit codes: 0 every threshold was kept; 1 one was not, or the run ended early; 2 wrong options, a wrong profile, or a server that lets nobody in.
What was measured until then is reported whatever the end.`;

const OPTIONS = {
  url: { type: 'string' }, 'token-key': { type: 'string' }, token: { type: 'string' }, profile: { type: 'string' }, headsets: { type: 'string' }, duration: { type: 'string' },
  'pose-hz': { type: 'string' }, 'session-size': { type: 'string' }, seed: { type: 'string' }, processes: { type: 'string', default: '1' }, recording: { type: 'string' },
  session: { type: 'string', default: 'load' }, 'find-knee': { type: 'boolean', default: false }, repetitions: { type: 'string', default: '3' }, report: { type: 'string' },
} as const;

/** @throws CopresenceError CONFIG_INVALID that names the option, or the place in the profile. */
export async function readLoadOptions(args: readonly string[]): Promise<LoadOptions> {
  const values = parse(args);
  const { url, token, 'token-key': tokenKey, session, recording, report } = values;
  if (url === undefined || !/^(ws|http)s?:\/\//.test(url) || !URL.canParse(url)) throw invalid('--url', 'needs the address of a server, such as ws://127.0.0.1:7300');
  const profile = await profileOf(values);
  if (profile.target === 'copresence' && (tokenKey === undefined) === (token === undefined)) throw invalid('--token-key', 'either this or --token is needed');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,48}$/.test(session)) throw invalid('--session', 'is no name of a session');
  if (values['find-knee'] && Object.keys(profile.thresholds).length === 0) throw invalid('--find-knee', 'needs thresholds in the profile: they say what may not break');
  return {
    profile, url, tokenKey, token, sessionPrefix: session, recording, report, findKnee: values['find-knee'],
    processes: integer('--processes', values.processes, 64), repetitions: integer('--repetitions', values.repetitions, 50),
  };
}

type Values = ReturnType<typeof parse>;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', error instanceof Error ? error.message : 'unreadable options');
  }
}

async function profileOf(values: Values): Promise<Profile> {
  const { profile: path, headsets, duration, 'pose-hz': poseHz, 'session-size': sessionSize, seed } = values;
  const seeded = seed === undefined ? {} : { seed: Number(seed) };
  if (path !== undefined) {
    for (const [name, value] of Object.entries({ headsets, duration, 'pose-hz': poseHz, 'session-size': sessionSize })) {
      if (value !== undefined) throw invalid(`--${name}`, 'is said by the profile');
    }
    return checkProfile({ ...(await readProfile(path)), ...seeded }, '--seed');
  }
  const warmUpS = 3;
  return checkProfile({
    warmUpS, ...seeded, phases: [{ kind: 'constant', headsets: Number(headsets ?? 100), forS: Number(duration ?? 30) + warmUpS }],
    ...(poseHz === undefined ? {} : { headset: { poseHz: Number(poseHz) } }), ...(sessionSize === undefined ? {} : { sessionSize: Number(sessionSize) }),
    thresholds: { 'reliable.lost': '== 0', 'joins.failed': '== 0', 'links.lost': '== 0' },
  }, 'the options');
}

function integer(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) throw invalid(name, `is not a whole number from 1 to ${most}`);
  return value;
}

function invalid(option: string, problem: string): CopresenceError {
  return new CopresenceError('CONFIG_INVALID', `${option} ${problem}`);
}
