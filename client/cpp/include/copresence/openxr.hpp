// OpenXR's poses and hand joints as Copresence has them. Both are right-handed with +Y up, -Z forward, metres and quaternions xyzw.
#pragma once

#include <openxr/openxr.h>

#include "codec.hpp"

namespace copresence {

inline Pose toPose(const XrPosef& pose) { return {pose.position.x, pose.position.y, pose.position.z, pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w}; }

inline XrPosef toXrPose(const Pose& pose) { return {{pose.qx, pose.qy, pose.qz, pose.qw}, {pose.x, pose.y, pose.z}}; }

// Fills a hand from XR_EXT_hand_tracking's 26 joints: the wrist first, and without the palm, which WebXR does not have.
// @return whether every joint is valid; the hand is then worth sending.
inline bool toHand(const XrHandJointLocationsEXT& located, Hand& hand) {
  constexpr XrSpaceLocationFlags VALID = XR_SPACE_LOCATION_POSITION_VALID_BIT | XR_SPACE_LOCATION_ORIENTATION_VALID_BIT;
  static_assert(XR_HAND_JOINT_WRIST_EXT == 1 && XR_HAND_JOINT_LITTLE_TIP_EXT == HAND_JOINTS, "the joints behind the palm are in WebXR's order");
  if (!located.isActive || located.jointCount != XR_HAND_JOINT_COUNT_EXT) return false;
  for (std::size_t joint = 0; joint < HAND_JOINTS; joint++) {
    const XrHandJointLocationEXT& from = located.jointLocations[joint + XR_HAND_JOINT_WRIST_EXT];
    if ((from.locationFlags & VALID) != VALID) return false;
    hand[joint] = toPose(from.pose);
  }
  return true;
}

// Whether sensors saw the hand, as against estimated: its bit goes into PoseSample::tracked.
inline bool isTracked(const XrHandJointLocationsEXT& located) {
  return located.isActive && (located.jointLocations[XR_HAND_JOINT_WRIST_EXT].locationFlags & XR_SPACE_LOCATION_POSITION_TRACKED_BIT) != 0;
}

}  // namespace copresence
