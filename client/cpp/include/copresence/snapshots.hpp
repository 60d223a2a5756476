// What a client has of everybody's poses: takes snapshots in, whole or as deltas, and says what the server is to be told of them.
#pragma once

#include <map>

#include "delta.hpp"

namespace copresence {

class SnapshotView {
 public:
  // What is to be sent now.
  struct Answer {
    // `snapshots`: something cannot be known without a key snapshot [INT9].
    bool askAnew = false;
    // `acknowledgement`, as the payload of its kind [ACK1].
    bool acknowledge = false;
    std::uint8_t acknowledgement[ACKNOWLEDGEMENT_BYTES] = {};
  };

  // Another connection begins. @param tickRateHz 0 where snapshots have no rate.
  void restart(double tickRateHz) {
    *this = SnapshotView();
    tickMs_ = tickRateHz > 0 ? 1000 / tickRateHz : 0;
  }

  void forget(int slot) { told_.erase(slot); }

  // How often a participant comes at most, in milliseconds, by what came last; the time between two ticks for who never came.
  double periodMs(int slot) const {
    const auto told = told_.find(slot);
    return told == told_.end() ? tickMs_ : told->second.periodMs;
  }

  // Takes a payload of kind SNAPSHOT or DELTA_SNAPSHOT and calls `visit(slot, sample, key)` for each pose in it. One that cannot be read tells nothing.
  template <typename Visit>
  Answer take(std::uint8_t kind, const std::uint8_t* payload, std::size_t length, double serverMs, double nowMs, Visit&& visit) {
    Answer answer;
    if (isOvertaken(payload, length)) return answer;
    if (kind == DELTA_SNAPSHOT) takeDeltas(payload, length, serverMs, nowMs, answer, visit);
    else {
      SnapshotHeader header;
      const Error error = decodeSnapshot(payload, length, serverMs, header, [&](std::uint16_t slot, const PoseSample& sample) {
        told_[slot] = {toTicks(sample.captureMs), tickMs_};
        visit(static_cast<int>(slot), sample, header.key);
      });
      if (error == Error::none) tick_ = header.tick;
    }
    return answer;
  }

 private:
  static constexpr double ASK_PERIOD_MS = 1000;
  struct Told {
    std::uint32_t captureTicks;
    double periodMs;
  };

  template <typename Visit>
  void takeDeltas(const std::uint8_t* payload, std::size_t length, double serverMs, double nowMs, Answer& answer, Visit& visit) {
    DeltaHeader header;
    if (readDeltaHeader(payload, length, serverMs, header) != Error::none) return;
    if (!reader_ || acknowledges_ != header.acknowledge) {
      acknowledges_ = header.acknowledge;
      reader_ = std::make_unique<DeltaReader>(acknowledges_ ? BASELINES : 0);
    }
    const Error error = reader_->read(payload, length, serverMs, header, missing_, [&](int slot, const ToldState& told) { tell(slot, told, header.key, serverMs, visit); });
    // Where order is kept this happens only when something has gone wrong; asking once a second mends it.
    if ((error != Error::none || !missing_.empty()) && (!asked_ || nowMs - askedMs_ >= ASK_PERIOD_MS)) {
      answer.askAnew = asked_ = true;
      askedMs_ = nowMs;
    }
    if (error != Error::none) return;
    tick_ = header.tick;
    // Where something is missing the snapshot has not arrived; the server then tells it whole [ACK2].
    if (acknowledges_ && missing_.empty()) answer.acknowledge = acknowledger_.arrived(header.tick, nowMs, answer.acknowledgement);
  }

  template <typename Visit>
  void tell(int slot, const ToldState& told, bool repeats, double serverMs, Visit& visit) {
    const auto before = told_.find(slot);
    // Until something is known to have arrived it comes again and again.
    if (!repeats && before != told_.end() && before->second.captureTicks == told.state.captureTicks) return;
    std::uint8_t bytes[MAX_SAMPLE_BYTES];
    std::size_t size = writeAvatarState(told.state, bytes);
    if (decodePoseSample(bytes, size, serverMs, sample_, size) != Error::none) return;
    told_[slot] = {told.state.captureTicks, tickMs_ * (1 << told.tier)};
    visit(slot, static_cast<const PoseSample&>(sample_), repeats);
  }

  // Whether a newer snapshot has come before this one, which some connections allow.
  bool isOvertaken(const std::uint8_t* payload, std::size_t length) const { return length >= 4 && tick_ && static_cast<std::int32_t>(detail::readU32(payload) - *tick_) < 0; }

  double tickMs_ = 0, askedMs_ = 0;
  bool asked_ = false, acknowledges_ = false;
  // Of the newest snapshot.
  std::optional<std::uint32_t> tick_;
  std::unique_ptr<DeltaReader> reader_;
  Acknowledger acknowledger_;
  std::map<int, Told> told_;
  std::vector<int> missing_;
  PoseSample sample_;
};

}  // namespace copresence
