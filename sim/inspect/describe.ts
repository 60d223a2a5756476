/** A summary of a recording as tables for a terminal. */
import { PART_BITS, type Part } from '../../protocol/codec/pose-sample.ts';
import { count, milliseconds, shareOf } from '../report/numbers.ts';
import { formatTable } from '../report/table.ts';
import { GAP_MS, type ParticipantSummary, type RecordingSummary, type TopicSummary } from './summary.ts';

export function describeSummary(path: string, summary: RecordingSummary): string {
  const { participants, topics, results, chatLines, damage } = summary;
  return [
    ...describeFile(path, summary),
    ...damage.map((message) => `  Damaged: ${message}`),
    '', participantTable(participants, topics),
    '', topicTable(topics),
    `  A gap is a pause of more than ${GAP_MS} ms in poses or pictures; the age is arrival less capture.`,
    ...(Object.keys(results).length === 0 ? [] : ['', resultTable(results)]),
    '', `  Lines of chat: ${count(chatLines)}`,
  ].join('\n');
}

function describeFile(path: string, { info }: RecordingSummary): string[] {
  const closed = info.complete ? (info.indexed ? 'closed, indexed' : 'closed, its index cannot be used') : `not closed: readable up to byte ${info.endsAt} (sim recover makes a closed file of it)`;
  return [
    `  ${path}`,
    `  Session ${info.session}, ${info.source}, from ${new Date(info.startedWallMs).toISOString()}, ${(info.durationMs / 1000).toFixed(1)} s`,
    `  ${count(info.fileBytes)} bytes in ${count(info.chunks)} chunks, ${closed}`,
  ];
}

function participantTable(participants: readonly ParticipantSummary[], topics: readonly TopicSummary[]): string {
  const rows = participants.map((person) => {
    const poses = topics.find(({ participantId, kind }) => participantId === person.participantId && kind === 'pose')?.count ?? 0;
    const consent = (['inference', 'recording', 'training'] as const).filter((use) => person.consent[use]).join(', ') || 'nothing';
    return [person.participantId, String(person.slot), person.name, `${consent}${person.noted > 1 ? ` (noted ${person.noted} times)` : ''}`, describeParts(person, poses), String(person.spaceResets), describeOffset(person)];
  });
  return formatTable([['Participant', 'Slot', 'Name', 'Allows', 'Parts of the poses', 'Resets', 'Device clock'], ...rows], ['left', 'right', 'left', 'left', 'left', 'right', 'left']);
}

const NAMES: Readonly<Record<Part, string>> = { head: 'head', leftController: 'left', rightController: 'right', leftHand: 'left hand', rightHand: 'right hand' };

function describeParts({ parts }: ParticipantSummary, poses: number): string {
  const seen = (Object.keys(PART_BITS) as Part[]).filter((part) => parts[part].valid > 0);
  return seen.map((part) => {
    const { valid, tracked } = parts[part];
    const share = valid === poses ? '' : ` ${shareOf(valid, poses)}`;
    return `${NAMES[part]}${share}${tracked === valid ? '' : ` (tracked ${shareOf(tracked, valid)})`}`;
  }).join(', ') || '–';
}

/** The drift shows only where the offset was followed for a while. */
function describeOffset({ firstOffsetMs, lastOffsetMs }: ParticipantSummary): string {
  if (firstOffsetMs === undefined || lastOffsetMs === undefined) return '–';
  return `${milliseconds(Math.abs(firstOffsetMs))} ms ${firstOffsetMs < 0 ? 'ahead' : 'behind'}, moved ${(lastOffsetMs - firstOffsetMs).toFixed(2)} ms`;
}

function topicTable(topics: readonly TopicSummary[]): string {
  const rows = topics.map((topic) => {
    const spanS = (topic.lastMs - topic.firstMs) / 1000;
    const streamed = topic.kind === 'pose' || topic.kind === 'video';
    return [
      topic.topic, count(topic.count), spanS > 0 ? ((topic.count - 1) / spanS).toFixed(1) : '–', count(topic.payloadBytes),
      streamed ? String(topic.gaps) : '–', (topic.longestPauseMs / 1000).toFixed(2), milliseconds(topic.ageSumMs / topic.count), milliseconds(topic.worstAgeMs),
    ];
  });
  return formatTable([['Topic', 'Messages', 'Hz', 'Bytes', 'Gaps', 'Longest s', 'Mean age ms', 'Worst'], ...rows], ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right']);
}

function resultTable(results: RecordingSummary['results']): string {
  const rows = Object.entries(results).map(([key, number]) => {
    const [model = '', version = '–', task = '–'] = key.split(' ');
    return [model, version, task, count(number)];
  });
  return formatTable([['Model', 'Version', 'Task', 'Results'], ...rows], ['left', 'left', 'left', 'right']);
}
