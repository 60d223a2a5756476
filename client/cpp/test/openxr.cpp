// That the OpenXR side compiles against the real header, and that hands, parts and resets of the space come through it. Ends with the number of what does not.
#include <copresence/openxr.hpp>
#include <cstdio>

using namespace copresence;

namespace {

constexpr XrSpaceLocationFlags VALID = XR_SPACE_LOCATION_POSITION_VALID_BIT | XR_SPACE_LOCATION_ORIENTATION_VALID_BIT;
constexpr XrSpaceLocationFlags TRACKED = XR_SPACE_LOCATION_POSITION_TRACKED_BIT | XR_SPACE_LOCATION_ORIENTATION_TRACKED_BIT;

int checkHands() {
  XrHandJointLocationEXT joints[XR_HAND_JOINT_COUNT_EXT] = {};
  for (int joint = 0; joint < XR_HAND_JOINT_COUNT_EXT; joint++) {
    joints[joint].locationFlags = VALID | TRACKED;
    joints[joint].pose = {{0, 0, 0, 1}, {0.01f * static_cast<float>(joint), 0, 0}};
  }
  XrHandJointLocationsEXT located{XR_TYPE_HAND_JOINT_LOCATIONS_EXT, nullptr, XR_TRUE, XR_HAND_JOINT_COUNT_EXT, joints};
  Hand hand;
  if (!toHand(located, hand) || !isTracked(located)) return 1;
  if (hand[0].x != 0.01f * XR_HAND_JOINT_WRIST_EXT || hand[5].x != 0.01f * XR_HAND_JOINT_INDEX_METACARPAL_EXT || hand[24].x != 0.01f * XR_HAND_JOINT_LITTLE_TIP_EXT) return 2;
  joints[7].locationFlags = 0;
  if (toHand(located, hand)) return 3;
  located.isActive = XR_FALSE;
  return isTracked(located) ? 4 : 0;
}

int checkParts() {
  PoseSample sample;
  XrSpaceLocation located{XR_TYPE_SPACE_LOCATION, nullptr, VALID | TRACKED, {{0, 0, 0, 1}, {1, 2, 3}}};
  setPart(sample, RIGHT_CONTROLLER, located);
  if (sample.valid != RIGHT_CONTROLLER || sample.tracked != RIGHT_CONTROLLER || sample.rightController.y != 2) return 11;
  // Its position comes from a model of an arm.
  located.locationFlags = VALID | XR_SPACE_LOCATION_ORIENTATION_TRACKED_BIT;
  setPart(sample, RIGHT_CONTROLLER, located);
  if (sample.valid != RIGHT_CONTROLLER || sample.tracked != 0) return 12;
  located.locationFlags = XR_SPACE_LOCATION_ORIENTATION_VALID_BIT;
  setPart(sample, RIGHT_CONTROLLER, located);
  return sample.valid == 0 ? 0 : 13;
}

int checkEpochs() {
  SpaceEpochs epochs(XR_REFERENCE_SPACE_TYPE_STAGE);
  const auto change = [&](XrReferenceSpaceType type, XrTime time) {
    XrEventDataBuffer event{};
    reinterpret_cast<XrEventDataReferenceSpaceChangePending&>(event) = {XR_TYPE_EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING, nullptr, XR_NULL_HANDLE, type, time, XR_FALSE, {}};
    epochs.note(event);
  };
  change(XR_REFERENCE_SPACE_TYPE_LOCAL, 50);
  change(XR_REFERENCE_SPACE_TYPE_STAGE, 100);
  if (epochs.at(99) != 0 || epochs.at(100) != 1 || epochs.at(200) != 1) return 21;
  // Eight resets come round to the same epoch.
  for (int time = 300; time < 308; time++) change(XR_REFERENCE_SPACE_TYPE_STAGE, time);
  if (epochs.at(306) != 0 || epochs.at(400) != 1) return 22;
  XrEventDataBuffer other{};
  other.type = XR_TYPE_EVENT_DATA_SESSION_STATE_CHANGED;
  epochs.note(other);
  return epochs.at(500) == 1 ? 0 : 23;
}

}  // namespace

int main() {
  for (const int wrong : {checkHands(), checkParts(), checkEpochs()}) if (wrong != 0) return wrong;
  std::puts("ok");
}
