import { describe, expect, it } from 'vitest';
import { answerVideo, pickVideo } from '../../../../../server/transport/rtc/video/video-section.ts';

/** What Chromium offers, shortened. */
function section(mid: string, codecs: readonly string[]): string {
  return [
    'm=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100', 'c=IN IP4 0.0.0.0', `a=mid:${mid}`, 'a=extmap:3 urn:3gpp:video-orientation',
    'a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01', 'a=sendonly', 'a=rtcp-mux', ...codecs, 'a=ssrc-group:FID 1 2', 'a=ssrc:1 cname:x', '',
  ].join('\r\n');
}
const VP8 = ['a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 transport-cc', 'a=rtcp-fb:96 nack', 'a=rtcp-fb:96 nack pli', 'a=rtpmap:97 rtx/90000', 'a=fmtp:97 apt=96'];
const H264 = ['a=rtpmap:98 H264/90000', 'a=fmtp:98 packetization-mode=0;profile-level-id=42e01f', 'a=rtpmap:99 H264/90000', 'a=fmtp:99 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f', 'a=rtpmap:100 rtx/90000', 'a=fmtp:100 apt=99'];
const DATA = 'v=0\r\na=group:BUNDLE 0 1\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\na=sctp-port:5000\r\n';

describe('the camera of an offer', () => {
  it('[RTC9] is the first codec of VP8 and H.264 in packetization mode 1, with what is sent again, and without transport-cc', () => {
    const { sdp, video } = pickVideo(DATA + section('1', [...VP8, ...H264]), { takesVideo: true });
    expect(video).toEqual({ mid: '1', codec: 'vp8', payloadType: 96, retransmissionType: 97 });
    expect(sdp).toContain('m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n');
    expect(sdp).toContain('a=mid:1\r\na=sendrecv\r\n');
    expect(sdp).toContain('a=rtcp-fb:96 nack pli');
    expect(sdp).not.toMatch(/transport-cc|transport-wide|H264|a=sendonly/);
    expect(sdp).toContain(DATA);
    expect(pickVideo(DATA + section('1', H264), { takesVideo: true }).video).toEqual({ mid: '1', codec: 'h264', payloadType: 99, retransmissionType: 100 });
  });

  it('[RTC9] is one: other sections, and all where none is taken or none fits, become inactive', () => {
    const offer = DATA + section('1', VP8) + section('2', VP8);
    const both = pickVideo(offer, { takesVideo: true });
    expect(both.video?.mid).toBe('1');
    expect(both.sdp).toContain('a=mid:2\r\na=inactive\r\n');
    for (const [text, takesVideo] of [[offer, false], [DATA + section('1', ['a=rtpmap:96 AV1/90000']), true], [DATA + section('1', VP8).replace('a=sendonly', 'a=recvonly'), true]] as const) {
      const { sdp, video } = pickVideo(text, { takesVideo });
      expect(video).toBeUndefined();
      expect(sdp).not.toMatch(/a=(sendrecv|sendonly|recvonly)/);
    }
  });

  it('[RTC9] is answered as received only, and the data channels as they were', () => {
    const answer = 'v=0\r\nm=application 9 X y\r\na=mid:0\r\na=sendrecv\r\nm=video 9 X 96\r\na=mid:1\r\na=sendrecv\r\n';
    expect(answerVideo(answer, '1')).toBe('v=0\r\nm=application 9 X y\r\na=mid:0\r\na=sendrecv\r\nm=video 9 X 96\r\na=mid:1\r\na=recvonly\r\n');
  });

  it('[RTC9] does not take long to find in an offer that is made to take long', () => {
    const hostile = `m=video 9 X ${'96 '.repeat(5000)}\r\na=mid:1\r\n${'a=rtpmap:96 X\r\n'.repeat(500)}`;
    expect(pickVideo(hostile, { takesVideo: true }).video).toBeUndefined();
  });
});
