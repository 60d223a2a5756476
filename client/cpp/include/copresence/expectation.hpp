// What a decoder expects of the next sample, in whole numbers [DLT8] [DLT9] [DLT10], and the numbers of a sample that deltas are taken of [DLT5].
#pragma once

#include <algorithm>

#include "codec.hpp"

namespace copresence {

// Numbers of a pose or joint: x, y, z, which component of the orientation is the largest, and the other three.
constexpr std::size_t POSE_INTS = 7;

// One sample as the whole numbers of its bytes. Parts that are not valid hold anything.
struct AvatarState {
  // 1/16 ms on the server's clock, modulo 2^32.
  std::uint32_t captureTicks = 0;
  std::uint8_t valid = 0;
  // As in the sample's byte: tracked parts in the lower five bits, the space epoch in the upper three.
  std::uint8_t trackedAndEpoch = 0;
  // Rows of POSE_INTS: three rigid poses, then the joints of each hand.
  std::array<std::int16_t, (3 + 2 * HAND_JOINTS) * POSE_INTS> ints{};
};

namespace detail {

// Where a part's numbers start, by the part's bit number.
constexpr std::size_t partAt(int part) { return (part < 4 ? static_cast<std::size_t>(part) : 3 + HAND_JOINTS) * POSE_INTS; }

inline std::uint32_t packedOrientation(const std::int16_t* row) {
  return static_cast<std::uint32_t>(row[3]) << 30 | static_cast<std::uint32_t>(row[4]) << 20 | static_cast<std::uint32_t>(row[5]) << 10 | static_cast<std::uint32_t>(row[6]);
}

inline int bitLength(std::int32_t value) {
  int bits = 0;
  for (auto rest = static_cast<std::uint32_t>(value); rest != 0; rest >>= 1) bits++;
  return bits;
}

// How far into its future a movement is continued, in 1/256 of the time that it is known for.
inline std::int32_t timeRatio(std::int32_t aheadTicks, std::int32_t knownTicks) {
  if (aheadTicks <= 0 || knownTicks <= 0) return 0;
  return static_cast<std::int32_t>(std::min<std::int64_t>(1024, static_cast<std::int64_t>(aheadTicks) * 256 / knownTicks));
}

// The order of the code for what moves so far.
inline int movementOrder(std::int32_t moved, int patience, int ease) { return std::clamp((2 * bitLength(moved) + patience - ease) >> 1, 0, 10); }

// The order of the code for the joints of a hand.
inline int scaleOrder(std::int32_t scale) {
  int order = 0;
  while (order < 8 && 36 << order < scale) order++;
  return order;
}

// Each of its calls expects x, y, z (the first three) or the components beside a given largest one (the others). Rows are of POSE_INTS.
class Expectation {
 public:
  std::int32_t expected[6] = {};

  void holdPosition(const std::int16_t* reference) {
    for (int axis = 0; axis < 3; axis++) expected[axis] = reference[axis];
  }

  void holdOrientation(const std::int16_t* reference, int largest) {
    if (reference[3] == largest) {
      for (int index = 0; index < 3; index++) expected[3 + index] = reference[4 + index];
    } else select(fine(reference), largest, FINE_BITS);
  }

  // @return how far it is expected to move, the sum of the three axes.
  std::int32_t movePosition(const std::int16_t* reference, const std::int16_t* older, std::int32_t ratio) {
    std::int32_t moved = 0;
    for (int axis = 0; axis < 3; axis++) {
      const std::int32_t step = stepOf(reference[axis] - older[axis], ratio);
      expected[axis] = std::clamp(reference[axis] + step, -32767, 32767);
      moved += std::abs(step);
    }
    return moved;
  }

  // @return how far it is expected to turn.
  std::int32_t moveOrientation(const std::int16_t* reference, const std::int16_t* older, std::int32_t ratio, int largest) {
    std::int32_t moved = 0;
    if (reference[3] == largest && older[3] == largest) {
      for (int index = 0; index < 3; index++) {
        const std::int32_t step = stepOf(reference[4 + index] - older[4 + index], ratio);
        expected[3 + index] = std::clamp(reference[4 + index] + step, 0, 1023);
        moved += std::abs(step);
      }
      return moved;
    }
    Four now = fine(reference);
    const Four before = fine(older);
    const std::int32_t sign = now[0] * before[0] + now[1] * before[1] + now[2] * before[2] + now[3] * before[3] < 0 ? -1 : 1;
    for (std::size_t index = 0; index < 4; index++) {
      const std::int32_t step = stepOf(now[index] - sign * before[index], ratio);
      now[index] += step;
      moved += std::abs(step);
    }
    select(now, largest, FINE_BITS);
    return moved >> FINE_BITS;
  }

  // Keeps how a joint has turned since the reference, for the joint that hangs on it. @return false when it has not.
  bool turnOf(const std::int16_t* now, const std::int16_t* reference) {
    if (std::equal(now + 3, now + 7, reference + 3)) return false;
    const Four a = fine(now), b = fine(reference);
    turn_ = {toTurn(a[0] * b[3] - a[3] * b[0] - a[1] * b[2] + a[2] * b[1]), toTurn(a[0] * b[2] + a[1] * b[3] - a[3] * b[1] - a[2] * b[0]),
             toTurn(a[1] * b[0] - a[0] * b[1] + a[2] * b[3] - a[3] * b[2]), toTurn(a[3] * b[3] + a[0] * b[0] + a[1] * b[1] + a[2] * b[2])};
    return true;
  }

  // A joint carried along by the one that it hangs on, which has turned as `turnOf` found.
  void carryPosition(const std::int16_t* reference, const std::int16_t* parent, const std::int16_t* parentReference, bool turned) {
    std::int32_t u[3];
    for (int axis = 0; axis < 3; axis++) u[axis] = reference[axis] - parentReference[axis];
    if (turned) {
      for (std::int32_t& axis : u) axis *= 16;
      const auto [tx, ty, tz, tw] = turn_;
      const std::int32_t cx = (ty * u[2] - tz * u[1]) >> 13, cy = (tz * u[0] - tx * u[2]) >> 13, cz = (tx * u[1] - ty * u[0]) >> 13;
      u[0] = (u[0] + ((tw * cx + ty * cz - tz * cy) >> 14) + 8) >> 4;
      u[1] = (u[1] + ((tw * cy + tz * cx - tx * cz) >> 14) + 8) >> 4;
      u[2] = (u[2] + ((tw * cz + tx * cy - ty * cx) >> 14) + 8) >> 4;
    }
    for (int axis = 0; axis < 3; axis++) expected[axis] = std::clamp(parent[axis] + u[axis], 0, 255);
  }

  // The orientation of the reference, turned as `turnOf` found.
  void turnOrientation(const std::int16_t* reference, int largest) {
    const auto [tx, ty, tz, tw] = turn_;
    const auto [x, y, z, w] = fine(reference);
    select({tw * x + tx * w + ty * z - tz * y, tw * y - tx * z + ty * w + tz * x, tw * z + tx * y - ty * x + tz * w, tw * w - tx * x - ty * y - tz * z}, largest, TURN_BITS + FINE_BITS);
  }

 private:
  using Four = std::array<std::int32_t, 4>;
  // Orientations that are multiplied have eight times the steps of the wire; a turn is in 1/16384.
  static constexpr int FINE_BITS = 3, TURN_BITS = 14;

  static std::int32_t stepOf(std::int32_t moved, std::int32_t ratio) { return (moved * ratio + 128) >> 8; }

  // The four components, fine; the largest is not negative.
  static Four fine(const std::int16_t* row) {
    const std::int32_t a = row[4] - 511, b = row[5] - 511, c = row[6] - 511, rest = 522242 - a * a - b * b - c * c;
    // The root of a whole number below 2^53 is never rounded up to the next one.
    const std::int32_t largest = rest > 0 ? static_cast<std::int32_t>(std::sqrt(static_cast<double>(64 * rest))) : 0;
    const int index = row[3];
    return {index == 0 ? largest : 8 * a, index == 1 ? largest : 8 * (index == 0 ? a : b), index == 2 ? largest : 8 * (index == 3 ? c : b), index == 3 ? largest : 8 * c};
  }

  // Expects the three components beside `largest`, after negation where that one is negative.
  void select(const Four& components, int largest, int bits) {
    const std::int32_t sign = components[static_cast<std::size_t>(largest)] < 0 ? -1 : 1, half = 1 << (bits - 1);
    const auto beside = [&](std::size_t index) { return std::clamp(511 + ((sign * components[index] + half) >> bits), 0, 1023); };
    expected[3] = beside(largest == 0 ? 1 : 0);
    expected[4] = beside(largest < 2 ? 2 : 1);
    expected[5] = beside(largest == 3 ? 2 : 3);
  }

  // The quotient rounded down, of what may be negative: no product of two fine orientations goes below the bias.
  static std::int32_t toTurn(std::int32_t product) { return (product + 1020 + 32768 * 2040) / 2040 - 32768; }

  Four turn_{};
};

}  // namespace detail

// Writes the pose sample whose numbers these are; `bytes` has room for MAX_SAMPLE_BYTES. @return its size.
inline std::size_t writeAvatarState(const AvatarState& state, std::uint8_t* bytes) {
  detail::writeU32(bytes, state.captureTicks);
  bytes[4] = state.valid;
  bytes[5] = state.trackedAndEpoch;
  std::uint8_t* out = bytes + SAMPLE_HEADER_BYTES;
  for (int part = 0; part < 5; part++) {
    if (!(state.valid & 1 << part)) continue;
    const std::int16_t* row = &state.ints[detail::partAt(part)];
    for (int axis = 0; axis < 3; axis++) detail::writeU16(out + 2 * axis, static_cast<std::uint16_t>(row[axis]));
    detail::writeU32(out + 6, detail::packedOrientation(row));
    out += POSE_BYTES;
    if (part < 3) continue;
    for (std::size_t joint = 1; joint < HAND_JOINTS; joint++, out += JOINT_BYTES) {
      row += POSE_INTS;
      for (int axis = 0; axis < 3; axis++) out[axis] = static_cast<std::uint8_t>(row[axis]);
      detail::writeU32(out + 3, detail::packedOrientation(row));
    }
  }
  return static_cast<std::size_t>(out - bytes);
}

}  // namespace copresence
