// OpenXR's poses, hand joints and reference spaces as Copresence has them. Both are right-handed with +Y up, -Z forward, metres and quaternions xyzw.
//
// Locate everything for the moment at which it is sent, and give that as captureMs: poses that were located for the predicted display time lie in the future, and the
// server moves them to their arrival. Velocities have no place on the wire: receivers find motion from sample to sample, so XrSpaceVelocity need not be asked for.
#pragma once

#include <openxr/openxr.h>

#include <deque>

#include "codec.hpp"

namespace copresence {

inline Pose toPose(const XrPosef& pose) { return {pose.position.x, pose.position.y, pose.position.z, pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w}; }

inline XrPosef toXrPose(const Pose& pose) { return {{pose.qx, pose.qy, pose.qz, pose.qw}, {pose.x, pose.y, pose.z}}; }

// Puts the head or a controller into a sample: valid where both position and orientation are, tracked where sensors saw both.
inline void setPart(PoseSample& sample, Part part, const XrSpaceLocation& located) {
  constexpr XrSpaceLocationFlags VALID = XR_SPACE_LOCATION_POSITION_VALID_BIT | XR_SPACE_LOCATION_ORIENTATION_VALID_BIT;
  constexpr XrSpaceLocationFlags TRACKED = XR_SPACE_LOCATION_POSITION_TRACKED_BIT | XR_SPACE_LOCATION_ORIENTATION_TRACKED_BIT;
  const auto bit = static_cast<std::uint8_t>(part);
  sample.valid &= static_cast<std::uint8_t>(~bit), sample.tracked &= static_cast<std::uint8_t>(~bit);
  if ((located.locationFlags & VALID) != VALID) return;
  (part == HEAD ? sample.head : part == LEFT_CONTROLLER ? sample.leftController : sample.rightController) = toPose(located.pose);
  sample.valid |= bit;
  if ((located.locationFlags & TRACKED) == TRACKED) sample.tracked |= bit;
}

// Fills a hand from XR_EXT_hand_tracking's 26 joints: the wrist first, and without the palm, which WebXR does not have.
// @return whether every joint is valid; the hand is then worth sending.
inline bool toHand(const XrHandJointLocationsEXT& located, Hand& hand) {
  constexpr XrSpaceLocationFlags VALID = XR_SPACE_LOCATION_POSITION_VALID_BIT | XR_SPACE_LOCATION_ORIENTATION_VALID_BIT;
  static_assert(XR_HAND_JOINT_WRIST_EXT == 1 && XR_HAND_JOINT_THUMB_METACARPAL_EXT == 2 && XR_HAND_JOINT_INDEX_METACARPAL_EXT == 6 && XR_HAND_JOINT_MIDDLE_METACARPAL_EXT == 11 &&
                    XR_HAND_JOINT_RING_METACARPAL_EXT == 16 && XR_HAND_JOINT_LITTLE_METACARPAL_EXT == 21 && XR_HAND_JOINT_LITTLE_TIP_EXT == HAND_JOINTS,
                "the joints behind the palm are in WebXR's order");
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

// Counts the resets of the reference space that samples are located in, for PoseSample::spaceEpoch [POS4]: somebody has recentred, or tracking has found itself again elsewhere.
class SpaceEpochs {
 public:
  explicit SpaceEpochs(XrReferenceSpaceType type) : type_(type) {}

  // Takes any event of xrPollEvent. A change is announced before it happens.
  void note(const XrEventDataBuffer& event) {
    if (event.type != XR_TYPE_EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING) return;
    const auto& change = reinterpret_cast<const XrEventDataReferenceSpaceChangePending&>(event);
    if (change.referenceSpaceType != type_) return;
    if (pending_.size() == MOST_PENDING) reach();
    pending_.push_back(change.changeTime);
  }

  // The epoch of what is located for that moment; moments do not go back.
  std::uint8_t at(XrTime time) {
    while (!pending_.empty() && pending_.front() <= time) reach();
    return epoch_;
  }

 private:
  static constexpr std::size_t MOST_PENDING = 8;

  void reach() {
    pending_.pop_front();
    epoch_ = (epoch_ + 1) & 7;
  }

  XrReferenceSpaceType type_;
  std::deque<XrTime> pending_;
  std::uint8_t epoch_ = 0;
};

}  // namespace copresence
