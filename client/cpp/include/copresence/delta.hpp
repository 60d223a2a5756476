// Snapshots told as what differs from earlier ones [DLT1]: header-only C++17, nothing but the standard library.
//
// All of it is arithmetic on whole numbers, so every language gets the same bytes. Nothing here throws.
#pragma once

#include <memory>

#include "codec.hpp"
#include "expectation.hpp"

namespace copresence {

constexpr std::size_t DELTA_HEADER_BYTES = 9, ACKNOWLEDGEMENT_BYTES = 8;
constexpr std::size_t MAX_PARTICIPANTS = 1024;
// Samples of each participant that later ones may be told by, where a connection loses some [ACK2].
constexpr std::size_t BASELINES = 64;

namespace detail {

// Reads bits, the first in the top bit of a byte. Behind the end it reads zeros, and `close` says so [DLT4].
class BitReader {
 public:
  BitReader(const std::uint8_t* bytes, std::size_t length) : bytes_(bytes), end_(length) {}

  // `count` is 0 to 24.
  std::int32_t take(int count) {
    while (heldBits_ < count) fill();
    heldBits_ -= count;
    return static_cast<std::int32_t>(held_ >> heldBits_ & ((1u << count) - 1));
  }

  // A Golomb-Rice code of order `k`, 0 to 10.
  std::int32_t takeRice(int k) {
    while (heldBits_ < 12) fill();
    int ones = 0;
    for (std::uint32_t next = 1u << (heldBits_ - 1); ones < 12 && (held_ & next); next >>= 1) ones++;
    heldBits_ -= ones < 12 ? ones + 1 : 12;
    if (ones < 12) return unfold(static_cast<std::uint32_t>(ones << k | take(k)));
    const std::int32_t folded = take(17);
    // What has a shorter code is not written this way: one number, one code.
    if (folded >> k < 12) broken_ = true;
    return unfold(static_cast<std::uint32_t>(folded));
  }

  std::int32_t takeTime() {
    int ones = 0;
    while (ones < 16 && take(1) == 1) ones++;
    if (ones < 16) return unfold(static_cast<std::uint32_t>(take(3 + ones) + (1 << (3 + ones)) - 8));
    const auto high = static_cast<std::uint32_t>(take(16)), folded = high << 16 | static_cast<std::uint32_t>(take(16));
    if (folded < 65535u << 3) broken_ = true;
    return unfold(folded);
  }

  // Whether all was read up to the last byte, whose rest is zeros, and nothing beyond.
  bool close() const { return !broken_ && at_ - static_cast<std::size_t>(heldBits_ >> 3) == end_ && (held_ & ((1u << heldBits_) - 1)) == 0; }

 private:
  static std::int32_t unfold(std::uint32_t folded) { return static_cast<std::int32_t>(folded >> 1 ^ (0u - (folded & 1))); }

  void fill() {
    held_ = held_ << 8 | (at_ < end_ ? bytes_[at_] : 0u);
    at_++;
    heldBits_ += 8;
  }

  const std::uint8_t* bytes_;
  std::size_t end_, at_ = 0;
  std::uint32_t held_ = 0;
  int heldBits_ = 0;
  bool broken_ = false;
};

// Decodes the blobs of one participant [DLT6] [DLT7]. What is refused leaves the state it was decoded into undefined.
class BlobReader {
 public:
  BlobReader(const std::uint8_t* bytes, std::size_t length) : bits_(bytes, length) {}

  Error key(AvatarState& state, AvatarState& older) {
    state.valid = static_cast<std::uint8_t>(bits_.take(5));
    state.trackedAndEpoch = static_cast<std::uint8_t>(bits_.take(8));
    const auto high = static_cast<std::uint32_t>(bits_.take(16));
    state.captureTicks = high << 16 | static_cast<std::uint32_t>(bits_.take(16));
    if (state.trackedAndEpoch & 31 & ~state.valid) fine_ = false;
    for (int part = 0; part < 5; part++) if (state.valid & 1 << part) takeWhole(state, part);
    older.valid = 0;
    if (bits_.take(1) == 1) {
      const int common = bits_.take(5);
      if (common == 0 || (common & ~state.valid)) fine_ = false;
      older.valid = static_cast<std::uint8_t>(common & state.valid);
      older.trackedAndEpoch = state.trackedAndEpoch;
      older.captureTicks = state.captureTicks - static_cast<std::uint32_t>(bits_.takeTime());
      for (int part = 0; part < 5; part++) if (older.valid & 1 << part) takeHeld(older, state, partAt(part));
    }
    return bits_.close() && fine_ ? Error::none : Error::messageInvalid;
  }

  // `older` is nullptr where it may not be leant on; `state` is neither of the other two.
  Error delta(const AvatarState& reference, const AvatarState* older, AvatarState& state) {
    state.valid = reference.valid;
    state.trackedAndEpoch = reference.trackedAndEpoch;
    if (bits_.take(1) == 1) {
      state.valid = static_cast<std::uint8_t>(bits_.take(5));
      state.trackedAndEpoch = static_cast<std::uint8_t>(bits_.take(8));
      if ((state.valid == reference.valid && state.trackedAndEpoch == reference.trackedAndEpoch) || (state.trackedAndEpoch & 31 & ~state.valid)) fine_ = false;
    }
    const int moving = older && older->trackedAndEpoch >> 5 == reference.trackedAndEpoch >> 5 ? reference.valid & older->valid : 0;
    const std::uint32_t known = moving ? reference.captureTicks - older->captureTicks : 0;
    const std::uint32_t aheadTicks = static_cast<std::uint32_t>(bits_.takeTime()) + known;
    state.captureTicks = reference.captureTicks + aheadTicks;
    const auto ahead = static_cast<std::int32_t>(aheadTicks);
    const std::int32_t ratio = timeRatio(ahead, static_cast<std::int32_t>(known));
    const int patience = bitLength(ahead > 0 ? ahead >> 5 : 0);
    for (int part = 0; part < 5; part++) {
      if (!(state.valid & 1 << part)) continue;
      const std::size_t at = partAt(part);
      if (!(reference.valid & 1 << part)) takeWhole(state, part);
      else {
        if (ratio > 0 && moving & 1 << part) takeMoved(state, reference, *older, at, ratio, patience);
        else takeHeld(state, reference, at);
        if (part >= 3) takeJoints(state, reference, at);
      }
    }
    return bits_.close() && fine_ ? Error::none : Error::messageInvalid;
  }

 private:
  void takeWhole(AvatarState& state, int part) {
    std::int16_t* row = &state.ints[partAt(part)];
    for (int axis = 0; axis < 3; axis++) {
      row[axis] = static_cast<std::int16_t>(bits_.take(16));
      if (row[axis] == NOT_FINITE) fine_ = false;
    }
    takeOrientation(row);
    if (part < 3) return;
    for (std::size_t joint = 1; joint < HAND_JOINTS; joint++) {
      row += POSE_INTS;
      for (int axis = 0; axis < 3; axis++) row[axis] = static_cast<std::int16_t>(bits_.take(8));
      takeOrientation(row);
    }
  }

  void takeOrientation(std::int16_t* row) {
    row[3] = static_cast<std::int16_t>(bits_.take(2));
    for (int index = 4; index < 7; index++) row[index] = static_cast<std::int16_t>(bits_.take(10));
  }

  // Expected where it was, the orders told [DLT8].
  void takeHeld(AvatarState& state, const AvatarState& reference, std::size_t at) {
    std::int16_t* row = &state.ints[at];
    const std::int16_t* from = &reference.ints[at];
    expectation_.holdPosition(from);
    takeThree(row, 0, std::min(10, bits_.take(4)), -32767, 32767);
    takeLargest(row, from);
    expectation_.holdOrientation(from, row[3]);
    takeThree(row + 4, 3, std::min(10, bits_.take(4)), 0, 1023);
  }

  void takeMoved(AvatarState& state, const AvatarState& reference, const AvatarState& older, std::size_t at, std::int32_t ratio, int patience) {
    std::int16_t* row = &state.ints[at];
    const std::int16_t *from = &reference.ints[at], *before = &older.ints[at];
    const std::int32_t moved = expectation_.movePosition(from, before, ratio);
    takeThree(row, 0, movementOrder(moved, patience, 11), -32767, 32767);
    takeLargest(row, from);
    const std::int32_t turned = expectation_.moveOrientation(from, before, ratio, row[3]);
    takeThree(row + 4, 3, movementOrder(turned, patience, 9), 0, 1023);
  }

  // The joints of a hand, each carried by the one that it hangs on [DLT9].
  void takeJoints(AvatarState& state, const AvatarState& reference, std::size_t hand) {
    std::int32_t positionScale = 36, orientationScale = 36;
    for (std::size_t joint = 1; joint < HAND_JOINTS; joint++) {
      const std::size_t at = hand + joint * POSE_INTS;
      std::int16_t* row = &state.ints[at];
      const std::int16_t* from = &reference.ints[at];
      const bool onWrist = joint == 1 || joint % 5 == 0;
      bool turned = false;
      if (onWrist) expectation_.holdPosition(from);
      else {
        turned = expectation_.turnOf(row - POSE_INTS, from - POSE_INTS);
        expectation_.carryPosition(from, row - POSE_INTS, from - POSE_INTS, turned);
      }
      positionScale += takeThree(row, 0, scaleOrder(positionScale), 0, 255) - (positionScale >> 3);
      takeLargest(row, from);
      if (turned) expectation_.turnOrientation(from, row[3]);
      else expectation_.holdOrientation(from, row[3]);
      orientationScale += takeThree(row + 4, 3, scaleOrder(orientationScale), 0, 1023) - (orientationScale >> 3);
    }
  }

  void takeLargest(std::int16_t* row, const std::int16_t* reference) { row[3] = bits_.take(1) == 0 ? reference[3] : static_cast<std::int16_t>(bits_.take(2)); }

  // @return the sum of the folded differences.
  std::int32_t takeThree(std::int16_t* row, std::size_t from, int order, std::int32_t low, std::int32_t high) {
    std::int32_t sum = 0;
    for (std::size_t index = 0; index < 3; index++) {
      const std::int32_t difference = bits_.takeRice(order), value = expectation_.expected[from + index] + difference;
      sum += difference < 0 ? -2 * difference - 1 : 2 * difference;
      if (value < low || value > high) fine_ = false;
      row[index] = static_cast<std::int16_t>(value < low ? low : value > high ? high : value);
    }
    return sum;
  }

  BitReader bits_;
  Expectation expectation_;
  bool fine_ = true;
};

}  // namespace detail

struct DeltaHeader {
  std::uint32_t tick = 0;
  // Milliseconds, the server's clock.
  double serverMs = 0;
  // Everybody whom the receiver gets is in it, and whole.
  bool key = false;
  // The sender wants to know what has arrived.
  bool acknowledge = false;
};

inline Error readDeltaHeader(const std::uint8_t* bytes, std::size_t length, double nearMs, DeltaHeader& header) {
  if (length < DELTA_HEADER_BYTES || bytes[8] > 3) return Error::messageInvalid;
  header = {detail::readU32(bytes), fromTicks(detail::readU32(bytes + 4), nearMs), (bytes[8] & 1) != 0, (bytes[8] & 2) != 0};
  return Error::none;
}

// What a snapshot tells of one participant. The state is overwritten later.
struct ToldState {
  const AvatarState& state;
  // It comes every 2^tier ticks at most [INT2].
  int tier;
  bool key;
};

// The receiving side: what it has of every participant [DLT2]. Some 3 kB each, and 48 kB more with baselines.
class DeltaReader {
 public:
  // @param baselines samples of each participant that are kept to be told by; 0 on a connection that keeps order.
  explicit DeltaReader(std::size_t baselines) : baselines_(baselines), participants_(MAX_PARTICIPANTS) {}

  // Takes a snapshot and calls `visit(slot, told)` for each participant whose sample is known, once all of it has been seen to be well formed; one
  // that is refused has no effect. @param missing slots told by what is not there: they need a key [DLT3].
  template <typename Visit>
  Error read(const std::uint8_t* bytes, std::size_t length, double nearMs, DeltaHeader& header, std::vector<int>& missing, Visit&& visit) {
    decoded_.clear();
    missing.clear();
    if (const Error error = readDeltaHeader(bytes, length, nearMs, header); error != Error::none) return error;
    std::size_t at = DELTA_HEADER_BYTES;
    for (int slot = -1; at < length;) if (!readEntry(bytes, length, at, slot, header, missing)) return Error::messageInvalid;
    for (const Entry& entry : decoded_) {
      Participant& participant = *participants_[static_cast<std::size_t>(entry.slot)];
      participant.commit(entry.mode);
      participant.tier = entry.tier;
      if (baselines_ > 0) participant.keep(header.tick, baselines_);
      visit(entry.slot, ToldState{*participant.newest, entry.tier, entry.mode == KEY_ENTRY});
    }
    return Error::none;
  }

 private:
  static constexpr int KEY_ENTRY = 0, CHAIN_ENTRY = 1, BASELINE_ENTRY = 2;
  struct Entry {
    int slot, mode, tier;
  };

  struct Participant {
    AvatarState states[4];
    AvatarState *newest = &states[0], *older = &states[1], *decoded = &states[2], *decodedOlder = &states[3];
    bool follows = false;
    int tier = 0;
    std::vector<std::pair<std::uint32_t, AvatarState>> history;
    std::size_t next = 0;

    void commit(int mode) {
      std::swap(newest, decoded);
      std::swap(older, mode == KEY_ENTRY ? decodedOlder : decoded);
      follows = mode != BASELINE_ENTRY;
    }

    void keep(std::uint32_t tick, std::size_t capacity) {
      if (history.size() < capacity) history.resize(history.size() + 1);
      history[next] = {tick, *newest};
      next = (next + 1) % capacity;
    }

    const AvatarState* at(std::uint32_t tick) const {
      for (const auto& [sent, state] : history) if (sent == tick) return &state;
      return nullptr;
    }
  };

  bool readEntry(const std::uint8_t* bytes, std::size_t length, std::size_t& at, int& slot, const DeltaHeader& header, std::vector<int>& missing) {
    std::int32_t head, told = 0, size;
    if (!readLength(bytes, length, at, head)) return false;
    const int mode = head & 3;
    if (mode > BASELINE_ENTRY || (header.key && mode != KEY_ENTRY)) return false;
    if (mode == BASELINE_ENTRY && !readLength(bytes, length, at, told)) return false;
    if (mode == KEY_ENTRY) {
      if (at == length || bytes[at] > 7) return false;
      told = bytes[at++];
    }
    slot += 1 + (head >> 2);
    if (!readLength(bytes, length, at, size) || length - at < static_cast<std::size_t>(size) || slot >= static_cast<int>(MAX_PARTICIPANTS)) return false;
    detail::BlobReader blob(bytes + at, static_cast<std::size_t>(size));
    at += static_cast<std::size_t>(size);
    auto& known = participants_[static_cast<std::size_t>(slot)];
    if (!known && mode == KEY_ENTRY) known = std::make_unique<Participant>();
    const AvatarState* baseline = mode == BASELINE_ENTRY && known ? known->at(header.tick - static_cast<std::uint32_t>(told >> 3)) : nullptr;
    if (!known || (mode == CHAIN_ENTRY && !known->follows) || (mode == BASELINE_ENTRY && !baseline)) {
      missing.push_back(slot);
      return true;
    }
    decoded_.push_back({slot, mode, mode == CHAIN_ENTRY ? known->tier : told & 7});
    if (mode == KEY_ENTRY) return blob.key(*known->decoded, *known->decodedOlder) == Error::none;
    return (baseline ? blob.delta(*baseline, nullptr, *known->decoded) : blob.delta(*known->newest, known->older, *known->decoded)) == Error::none;
  }

  // A LEB128 of at most 4 bytes, as short as can be.
  static bool readLength(const std::uint8_t* bytes, std::size_t length, std::size_t& at, std::int32_t& value) {
    value = 0;
    for (int shift = 0; shift < 28 && at < length; shift += 7) {
      const std::uint8_t byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return byte != 0 || shift == 0;
    }
    return false;
  }

  std::size_t baselines_;
  std::vector<std::unique_ptr<Participant>> participants_;
  std::vector<Entry> decoded_;
};

// Says which snapshots have arrived, twenty times a second at most [ACK1] [ACK2].
class Acknowledger {
 public:
  // A snapshot has been taken in whose tick is no earlier than those before. @return whether `bytes` (of ACKNOWLEDGEMENT_BYTES) is to be sent.
  bool arrived(std::uint32_t tick, double nowMs, std::uint8_t* bytes) {
    const std::uint32_t ahead = started_ ? tick - tick_ : 0;
    if (ahead > 32) earlier_ = 0;
    else if (ahead > 0) earlier_ = (ahead == 32 ? 0 : earlier_ << ahead) | 1u << (ahead - 1);
    tick_ = tick;
    if (started_ && nowMs - saidMs_ < PERIOD_MS) return false;
    started_ = true;
    saidMs_ = nowMs;
    detail::writeU32(bytes, tick_);
    detail::writeU32(bytes + 4, earlier_);
    return true;
  }

 private:
  static constexpr double PERIOD_MS = 50;
  bool started_ = false;
  std::uint32_t tick_ = 0, earlier_ = 0;
  double saidMs_ = 0;
};

}  // namespace copresence
