/** Picks one camera out of an offer, and what is taken of it: VP8 or H.264, with packets that are sent again. */
import type { VideoTrack } from './video-receiver.ts';

/** A browser offers some 40. */
const MAX_TYPES = 128;

export interface OfferedVideo extends VideoTrack {
  /** Of the media section. */
  readonly mid: string;
}

/**
 * Rewrites an offer for the native side.
 *
 * Of the first video section that sends VP8 or H.264 (packetization mode 1) the first such codec stays, with its
 * retransmission; it becomes `sendrecv`, since the native side sends no feedback on what only receives. Feedback on
 * every packet (transport-cc) goes, since nothing here gives any and a browser would wait for it with its bitrate. All
 * other voice and video becomes `inactive`.
 *
 * @param takesVideo - else no section is picked.
 * @bound the offer's length.
 */
export function pickVideo(offer: string, { takesVideo }: { readonly takesVideo: boolean }): { readonly sdp: string; readonly video: OfferedVideo | undefined } {
  let video: OfferedVideo | undefined;
  const sections = offer.split(/(?=^m=)/m).map((section) => {
    if (!/^m=(audio|video) /.test(section)) return section;
    const found = takesVideo && video === undefined ? readVideo(section) : undefined;
    video ??= found;
    return found === undefined ? withDirection(section, 'inactive') : withDirection(keepOnly(section, found), 'sendrecv');
  });
  return { sdp: sections.join(''), video };
}

/** The native side's answer as the browser has to hear it: it sends, and we only receive. */
export function answerVideo(answer: string, mid: string): string {
  return answer
    .split(/(?=^m=)/m)
    .map((section) => (section.startsWith('m=video ') && attribute(section, 'mid') === mid ? withDirection(section, 'recvonly') : section))
    .join('');
}

function readVideo(section: string): OfferedVideo | undefined {
  const mid = attribute(section, 'mid');
  if (mid === undefined || !section.startsWith('m=video ') || /^a=(recvonly|inactive)\r?$/m.test(section)) return undefined;
  for (const payloadType of payloadTypes(section)) {
    const codec = codecOf(section, payloadType);
    if (codec === undefined) continue;
    const retransmissionType = payloadTypes(section).find((other) => mapOf(section, other) === 'RTX/90000' && formatOf(section, other) === `apt=${payloadType}`);
    return { mid, codec, payloadType, retransmissionType };
  }
  return undefined;
}

function codecOf(section: string, payloadType: number): 'vp8' | 'h264' | undefined {
  const map = mapOf(section, payloadType);
  if (map === 'VP8/90000') return 'vp8';
  return map === 'H264/90000' && /(^|;)packetization-mode=1(;|$)/.test(formatOf(section, payloadType)) ? 'h264' : undefined;
}

function payloadTypes(section: string): number[] {
  const [line = ''] = section.split(/\r?\n/, 1);
  return line.split(' ').slice(3, 3 + MAX_TYPES).map(Number);
}

function mapOf(section: string, payloadType: number): string {
  return (new RegExp(`^a=rtpmap:${payloadType} (\\S+)`, 'm').exec(section)?.[1] ?? '').toUpperCase();
}

function formatOf(section: string, payloadType: number): string {
  return new RegExp(`^a=fmtp:${payloadType} (\\S+)`, 'm').exec(section)?.[1] ?? '';
}

function attribute(section: string, name: string): string | undefined {
  return new RegExp(`^a=${name}:(\\S+)`, 'm').exec(section)?.[1];
}

function keepOnly(section: string, { payloadType, retransmissionType }: OfferedVideo): string {
  const kept = [payloadType, retransmissionType].filter((type) => type !== undefined);
  return section
    .split(/\r?\n/)
    .filter((line) => {
      const [, type] = /^a=(?:rtpmap|fmtp|rtcp-fb):(\S+)/.exec(line) ?? [];
      if (type !== undefined && type !== '*' && !kept.includes(Number(type))) return false;
      return !/transport-cc|transport-wide-cc|^a=(rid|simulcast):/.test(line);
    })
    .map((line) => (line.startsWith('m=video ') ? [...line.split(' ').slice(0, 3), ...kept].join(' ') : line))
    .join('\r\n');
}

function withDirection(section: string, direction: 'inactive' | 'sendrecv' | 'recvonly'): string {
  const without = section.replace(/^a=(?:sendrecv|sendonly|recvonly|inactive)\r?\n/gm, '');
  return without.replace(/^a=mid:.*\r?\n/m, (line) => `${line}a=${direction}\r\n`);
}
