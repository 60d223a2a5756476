// Where somebody is at a moment between two samples, for whoever draws avatars each frame.
#pragma once

#include <algorithm>
#include <deque>

#include "codec.hpp"

namespace copresence {

inline Pose blend(const Pose& a, const Pose& b, float t) {
  const float sign = a.qx * b.qx + a.qy * b.qy + a.qz * b.qz + a.qw * b.qw < 0 ? -1.f : 1.f;
  const auto mix = [t](float from, float to) { return from + (to - from) * t; };
  Pose pose{mix(a.x, b.x), mix(a.y, b.y), mix(a.z, b.z), mix(a.qx, sign * b.qx), mix(a.qy, sign * b.qy), mix(a.qz, sign * b.qz), mix(a.qw, sign * b.qw)};
  // Samples are close in time, so that the normalised chord is as good as the arc.
  const float length = std::sqrt(pose.qx * pose.qx + pose.qy * pose.qy + pose.qz * pose.qz + pose.qw * pose.qw);
  if (length < 1e-6f) return b;
  pose.qx /= length, pose.qy /= length, pose.qz /= length, pose.qw /= length;
  return pose;
}

// `held`: nothing newer has come for a while; draw it so that it is seen to be old.
enum class AvatarSource { none, interpolated, extrapolated, held };

class AvatarBuffer {
 public:
  void add(const PoseSample& sample) {
    if (!samples_.empty() && sample.captureMs <= samples_.back().captureMs) return;
    if (samples_.size() == CAPACITY) samples_.pop_front();
    samples_.push_back(sample);
  }

  // @param serverMs the moment to draw: the server's time now, less a delay of about two ticks and the jitter of the link.
  AvatarSource at(double serverMs, PoseSample& into) const {
    if (samples_.empty()) return AvatarSource::none;
    const PoseSample& newest = samples_.back();
    if (serverMs >= newest.captureMs) return beyond(newest, serverMs, into);
    const auto after = std::find_if(samples_.begin(), samples_.end(), [serverMs](const PoseSample& sample) { return sample.captureMs >= serverMs; });
    into = *after;
    if (after == samples_.begin()) return AvatarSource::held;
    mix(*(after - 1), *after, serverMs, into);
    return AvatarSource::interpolated;
  }

 private:
  static constexpr std::size_t CAPACITY = 24;
  static constexpr double MAX_AHEAD_MS = 100;

  // Goes on with the last motion for 100 ms, then stands: a longer guess shows motion that nobody made.
  AvatarSource beyond(const PoseSample& newest, double serverMs, PoseSample& into) const {
    into = newest;
    const double aheadMs = serverMs - newest.captureMs;
    if (samples_.size() > 1) mix(samples_[samples_.size() - 2], newest, newest.captureMs + std::min(aheadMs, MAX_AHEAD_MS), into);
    return aheadMs <= MAX_AHEAD_MS ? AvatarSource::extrapolated : AvatarSource::held;
  }

  // Parts that only one of them has, and samples on both sides of a reset of the space, are those of the later one.
  static void mix(const PoseSample& a, const PoseSample& b, double serverMs, PoseSample& into) {
    const double spanMs = b.captureMs - a.captureMs;
    if (a.spaceEpoch != b.spaceEpoch || spanMs <= 0 || spanMs > 250) return;
    const auto t = static_cast<float>((serverMs - a.captureMs) / spanMs);
    const std::uint8_t both = a.valid & b.valid;
    if (both & HEAD) into.head = blend(a.head, b.head, t);
    if (both & LEFT_CONTROLLER) into.leftController = blend(a.leftController, b.leftController, t);
    if (both & RIGHT_CONTROLLER) into.rightController = blend(a.rightController, b.rightController, t);
    for (std::size_t joint = 0; joint < HAND_JOINTS; joint++) {
      if (both & LEFT_HAND) into.leftHand[joint] = blend(a.leftHand[joint], b.leftHand[joint], t);
      if (both & RIGHT_HAND) into.rightHand[joint] = blend(a.rightHand[joint], b.rightHand[joint], t);
    }
    into.captureMs = serverMs;
  }

  std::deque<PoseSample> samples_;
};

}  // namespace copresence
