/** How a camera's pictures go to the server. */
import type { InterCodec } from '../../protocol/video/picture.ts';

/** `auto` is the first of VP8, H.264 and JPEG that both sides can. */
export type CameraWay = 'auto' | InterCodec | 'jpeg';

export const CAMERA_WAYS: readonly CameraWay[] = ['auto', 'vp8', 'h264', 'jpeg'];
