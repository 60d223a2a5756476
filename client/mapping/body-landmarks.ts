/** Points of a body by the indices that models give them: COCO's 17 keypoints and BlazePose's 33 landmarks. */
import { BODY_KEYPOINTS } from '../../protocol/joints.ts';

/** BlazePose's landmarks in order. */
export const BLAZEPOSE_NAMES = [
  'nose', 'left_eye_inner', 'left_eye', 'left_eye_outer', 'right_eye_inner', 'right_eye', 'right_eye_outer', 'left_ear', 'right_ear', 'mouth_left', 'mouth_right',
  'left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow', 'left_wrist', 'right_wrist', 'left_pinky', 'right_pinky', 'left_index', 'right_index',
  'left_thumb', 'right_thumb', 'left_hip', 'right_hip', 'left_knee', 'right_knee', 'left_ankle', 'right_ankle', 'left_heel', 'right_heel',
  'left_foot_index', 'right_foot_index',
] as const;

/** The landmark of BlazePose for each keypoint of COCO: all of them have one. */
export const BLAZEPOSE_OF_COCO: readonly number[] = BODY_KEYPOINTS.map((name) => BLAZEPOSE_NAMES.indexOf(name));
