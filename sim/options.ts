/** The command line of the simulator and of the demo. */
import { parseArgs } from 'node:util';
import { CopresenceError } from '../core/errors.ts';

/** What both programs take. */
export interface RunOptions {
  readonly headsets: number;
  readonly sessions: number;
  readonly durationS: number;
  readonly seed: number;
  /** Where the page goes; the JSON goes beside it. */
  readonly report: string | undefined;
  readonly recording: string | undefined;
  readonly dataFolder: string | undefined;
}

export interface SimOptions extends RunOptions {
  readonly url: string;
  readonly tokenKey: string | undefined;
  readonly token: string | undefined;
  readonly sessionPrefix: string;
}

export interface DemoOptions extends RunOptions {
  readonly keep: boolean;
}

const COMMON = {
  headsets: { type: 'string', default: '12' },
  sessions: { type: 'string', default: '3' },
  duration: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  recording: { type: 'string' },
  data: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

const COMMON_HELP = `  --headsets <n>       virtual headsets (12)
  --sessions <n>       sessions that they share (3)
  --duration <s>       seconds that are measured, after 3 of warm-up (20)
  --seed <n>           gives the same run again, as far as the network does (1)
  --recording <file>   replay an MCAP recording in place of the packaged movements
  --data <folder>      also use the hand poses and photos in this folder
  --report <file>      write the report as a page, and as JSON beside it`;

export const SIM_HELP = `Usage: copresence-sim run --url ws://host:port (--token-key <key> | --token <token>) [options]

  --url <url>          the server
  --token-key <key>    the server's token key: each headset gets a token of its own
  --token <token>      or one token for all, good for session '*'
  --session <prefix>   in front of the sessions' numbers (fleet)
${COMMON_HELP}`;

export const DEMO_HELP = `Usage: npm run demo -- [options]

Starts a server, runs a fleet of virtual headsets against it and reports.

  --keep               leave both running, and print the address of the viewer; Ctrl-C ends them
${COMMON_HELP}`;

/** @throws CopresenceError CONFIG_INVALID that names the option. */
export function readSimOptions(args: readonly string[]): SimOptions {
  const values = parse(args, {
    ...COMMON, report: { type: 'string' }, url: { type: 'string' }, 'token-key': { type: 'string' }, token: { type: 'string' }, session: { type: 'string', default: 'fleet' },
  });
  const url = text(values.url);
  if (url === undefined || !/^(ws|http)s?:\/\//.test(url) || !URL.canParse(url)) throw invalid('--url', 'needs the address of a server, such as ws://127.0.0.1:7300');
  const [tokenKey, token] = [text(values['token-key']), text(values.token)];
  if ((tokenKey === undefined) === (token === undefined)) throw invalid('--token-key', 'either this or --token is needed');
  const sessionPrefix = text(values.session) ?? 'fleet';
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,48}$/.test(sessionPrefix)) throw invalid('--session', 'is no name of a session');
  return { ...readCommon(values), report: text(values.report), url, tokenKey, token, sessionPrefix };
}

/** @returns undefined when help is asked for. @throws CopresenceError CONFIG_INVALID that names the option. */
export function readDemoOptions(args: readonly string[]): DemoOptions | undefined {
  const values = parse(args, { ...COMMON, report: { type: 'string', default: 'reports/demo.html' }, keep: { type: 'boolean', default: false } });
  if (values.help === true) return undefined;
  return { ...readCommon(values), report: text(values.report), keep: values.keep === true };
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function parse(args: readonly string[], options: NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>): Values {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values as Values;
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', error instanceof Error ? error.message : 'unreadable options');
  }
}

function readCommon(values: Values): Omit<RunOptions, 'report'> {
  const headsets = integer(values, 'headsets', { least: 1, most: 1000 });
  const sessions = integer(values, 'sessions', { least: 1, most: 1000 });
  if (sessions > headsets) throw invalid('--sessions', 'is more than there are headsets');
  return {
    headsets, sessions, durationS: integer(values, 'duration', { least: 1, most: 86_400 }), seed: integer(values, 'seed', { least: 0, most: 2 ** 31 }),
    recording: text(values.recording), dataFolder: text(values.data),
  };
}

function integer(values: Values, name: string, range: { least: number; most: number }): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < range.least || value > range.most) throw invalid(`--${name}`, `is not a whole number from ${range.least} to ${range.most}`);
  return value;
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function invalid(option: string, problem: string): CopresenceError {
  return new CopresenceError('CONFIG_INVALID', `${option} ${problem}`);
}
