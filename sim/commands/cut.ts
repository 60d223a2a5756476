/** `sim cut`: a stretch of a recording, some of its participants, without some of its kinds. */
import { CopresenceError } from '../../core/errors.ts';
import { copyRecording } from '../../recording/copy.ts';
import { RECORDED_KINDS, type RecordedKind } from '../../recording/format.ts';
import { openRecording, type RecordingInfo } from '../../recording/reader.ts';
import { count } from '../report/numbers.ts';
import { compressorOf, numberOf, OUTPUT_HELP, OUTPUT_OPTIONS, outputFile, readArguments, type Values } from './arguments.ts';
import { EXIT, type SimCommand } from './command.ts';
import { showShare } from './share-progress.ts';

const OPTIONS = {
  ...OUTPUT_OPTIONS, from: { type: 'string' }, to: { type: 'string' }, participant: { type: 'string', multiple: true },
  drop: { type: 'string', multiple: true }, rebase: { type: 'boolean', default: false },
} as const;
const LONGEST_S = 1e9;
const DROPPABLE: readonly RecordedKind[] = RECORDED_KINDS.filter((kind) => kind !== 'consent');

export const cut: SimCommand = {
  help: `Usage: copresence-sim cut <in.mcap> <out.mcap> [options]

Writes a part of a recording. What each participant allowed at the beginning of the part, and each change, stays in it.

  --from <s>, --to <s> seconds since the first item (all of it)
  --participant <id>   keep this one; more than once for several (everybody)
  --drop <kind>        leave out ${DROPPABLE.join(', ')}; more than once for several
  --rebase             let every clock begin at 0; the wall time stays
${OUTPUT_HELP}`,
  async run(args) {
    const { values, paths: [from = '', to = ''] } = readArguments(args, OPTIONS, ['<in.mcap>', '<out.mcap>']);
    const range = { fromS: numberOf(values, 'from', { least: 0, most: LONGEST_S }), toS: numberOf(values, 'to', { least: 0, most: LONGEST_S }) };
    if ((range.fromS ?? 0) > (range.toS ?? LONGEST_S)) throw new CopresenceError('CONFIG_INVALID', '--to is before --from');
    const kinds = keptKinds(values);
    const compressor = await compressorOf(values);
    const recording = await openRecording(from);
    const progress = showShare(process.stderr, 'Cutting');
    try {
      const participants = keptParticipants(values, recording.info);
      const { firstMs } = recording.info;
      const copied = await copyRecording(recording, await outputFile(to, values), {
        participants, kinds, compressor, rebase: values['rebase'] === true, onProgress: (share) => progress.update(share),
        fromMs: range.fromS === undefined ? undefined : firstMs + range.fromS * 1000,
        toMs: range.toS === undefined ? undefined : firstMs + range.toS * 1000,
      });
      progress.end();
      process.stdout.write(`  ${count(copied)} items in ${to}\n`);
      return EXIT.ok;
    } finally {
      progress.end();
      await recording.close();
    }
  },
};

function keptKinds(values: Values): ReadonlySet<RecordedKind> | undefined {
  const dropped = values['drop'];
  if (!Array.isArray(dropped)) return undefined;
  for (const kind of dropped) if (!DROPPABLE.includes(kind as RecordedKind)) throw new CopresenceError('CONFIG_INVALID', `--drop ${kind} is not one of ${DROPPABLE.join(', ')}`);
  return new Set(RECORDED_KINDS.filter((kind) => !dropped.includes(kind)));
}

function keptParticipants(values: Values, { participants }: RecordingInfo): ReadonlySet<string> | undefined {
  const wanted = values['participant'];
  if (!Array.isArray(wanted)) return undefined;
  const ids = participants.map(({ participantId }) => participantId);
  for (const id of wanted) if (!ids.includes(String(id))) throw new CopresenceError('CONFIG_INVALID', `--participant ${id} is not in the recording: ${ids.join(', ')}`);
  return new Set(wanted.map(String));
}
