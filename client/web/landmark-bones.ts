/** Pairs of landmarks that a drawing joins. */
type Bones = readonly (readonly [number, number])[];

/** MediaPipe's 21 of a hand: the palm's edge, then along each finger. */
export const HAND_LANDMARK_BONES: Bones = [
  [0, 1], [1, 2], [2, 3], [3, 4], [0, 5], [5, 6], [6, 7], [7, 8], [5, 9], [9, 10], [10, 11], [11, 12],
  [9, 13], [13, 14], [14, 15], [15, 16], [13, 17], [0, 17], [17, 18], [18, 19], [19, 20],
];

/** BlazePose's 33 of a body: face, mouth, trunk, arms with a hint of hands, legs with feet. */
export const BODY_LANDMARK_BONES: Bones = [
  [0, 2], [2, 7], [0, 5], [5, 8], [9, 10], [11, 12], [11, 23], [12, 24], [23, 24],
  [11, 13], [13, 15], [15, 19], [12, 14], [14, 16], [16, 20], [23, 25], [25, 27], [27, 31], [27, 29], [29, 31], [24, 26], [26, 28], [28, 32], [28, 30], [30, 32],
];
