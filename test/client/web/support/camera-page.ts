/** A page that does nothing but share its camera: the SDK as an application would use it, without anything to draw. */
import { systemClock } from '../../../../core/clock.ts';
import { connect } from '../../../../client/connect.ts';
import { openCamera, shareCamera } from '../../../../client/web/camera.ts';
import { CAMERA_WAYS } from '../../../../client/web/camera-way.ts';
import { rtcSocket } from '../../../../client/web/rtc-socket.ts';
import { openBrowserSocket } from '../../../../client/web/socket.ts';

const fields = new URLSearchParams(location.hash.slice(1));
const clock = systemClock();
const token = fields.get('token') ?? '';
const way = CAMERA_WAYS.find((one) => one === fields.get('camera')) ?? 'auto';
const isTrack = fields.get('transport') === 'rtc';

async function run(): Promise<void> {
  const track = await openCamera();
  const codec = way === 'vp8' || way === 'h264' ? { codec: way } : {};
  const client = await connect({
    url: location.origin, token, session: 'lobby', name: fields.get('name') ?? 'camera', clock, video: ['body-pose'],
    consent: { inference: true, recording: false, training: false },
    openSocket: isTrack ? rtcSocket(clock, token, { track, ...codec }) : openBrowserSocket,
  });
  if (!isTrack) document.title = (await shareCamera({ client, clock, track, way })).way;
}

// What goes wrong shows in the title, and in nothing that comes.
run().catch((error: unknown) => (document.title = String(error)));
