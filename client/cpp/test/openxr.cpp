// That the OpenXR side compiles against the real header, and that a hand comes through it.
#include <copresence/openxr.hpp>
#include <cstdio>

int main() {
  XrHandJointLocationEXT joints[XR_HAND_JOINT_COUNT_EXT] = {};
  for (int joint = 0; joint < XR_HAND_JOINT_COUNT_EXT; joint++) {
    joints[joint].locationFlags = XR_SPACE_LOCATION_POSITION_VALID_BIT | XR_SPACE_LOCATION_ORIENTATION_VALID_BIT | XR_SPACE_LOCATION_POSITION_TRACKED_BIT;
    joints[joint].pose = {{0, 0, 0, 1}, {0.01f * static_cast<float>(joint), 0, 0}};
  }
  XrHandJointLocationsEXT located{XR_TYPE_HAND_JOINT_LOCATIONS_EXT, nullptr, XR_TRUE, XR_HAND_JOINT_COUNT_EXT, joints};
  copresence::Hand hand;
  if (!copresence::toHand(located, hand) || !copresence::isTracked(located)) return 1;
  if (hand[0].x != 0.01f * XR_HAND_JOINT_WRIST_EXT || hand[24].x != 0.01f * XR_HAND_JOINT_LITTLE_TIP_EXT) return 2;
  joints[7].locationFlags = 0;
  if (copresence::toHand(located, hand)) return 3;
  std::puts("ok");
}
