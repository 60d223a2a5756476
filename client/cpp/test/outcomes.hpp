// What bytes of any kind are read as, in one line each: for comparing this decoder with others on the same damaged inputs.
//
// The file holds one input after the other: u8 format, u32 length, bytes. A line is the code, or NONE, and a hash over what came out.
#pragma once

#include <copresence/delta.hpp>
#include <copresence/message-guard.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

enum InputFormat : std::uint8_t { CONTAINER_INPUT, SAMPLE_INPUT, SNAPSHOT_INPUT, DELTA_INPUT, HAND_INPUT, CONTROL_INPUT };

inline std::string toHex(const std::uint8_t* bytes, std::size_t length) {
  std::string hex;
  for (std::size_t at = 0; at < length; at++) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(bytes[at]));
    hex += digits;
  }
  return hex;
}

// FNV-1a.
class Hash {
 public:
  void add(std::uint32_t value, int bytes) {
    for (; bytes > 0; bytes--, value >>= 8) hash_ = (hash_ ^ (value & 255)) * 16777619u;
  }
  void add(const std::uint8_t* bytes, std::size_t length) {
    for (std::size_t at = 0; at < length; at++) add(bytes[at], 1);
  }
  std::uint32_t value() const { return hash_; }

 private:
  std::uint32_t hash_ = 2166136261u;
};

inline copresence::Error hashDeltas(const std::uint8_t* bytes, std::size_t length, Hash& hash) {
  copresence::DeltaReader reader(4);
  return copresence::readPacket(bytes, length, [&](std::uint8_t, const std::uint8_t* payload, std::size_t size) {
    copresence::DeltaHeader header;
    std::vector<int> missing;
    const auto error = reader.read(payload, size, 0, header, missing, [&](int slot, const copresence::ToldState& told) {
      std::uint8_t sample[copresence::MAX_SAMPLE_BYTES];
      hash.add(static_cast<std::uint32_t>(slot), 2);
      hash.add(static_cast<std::uint32_t>(told.tier), 1);
      hash.add(told.key, 1);
      hash.add(sample, copresence::writeAvatarState(told.state, sample));
    });
    hash.add(error != copresence::Error::none, 1);
    if (error == copresence::Error::none) for (const int slot : missing) hash.add(static_cast<std::uint32_t>(slot), 2);
  });
}

inline copresence::Error outcomeOf(std::uint8_t format, const std::uint8_t* bytes, std::size_t length, Hash& hash) {
  using namespace copresence;
  PoseSample sample;
  std::size_t size = 0;
  if (format == CONTAINER_INPUT) {
    return readPacket(bytes, length, [&](std::uint8_t kind, const std::uint8_t* payload, std::size_t payloadBytes) {
      hash.add(kind, 1);
      hash.add(payload, payloadBytes);
    });
  }
  if (format == SAMPLE_INPUT) {
    const Error error = decodePoseSample(bytes, length, 0, sample, size);
    if (error == Error::none) hash.add(static_cast<std::uint32_t>(size), 4), hash.add(sample.valid, 1), hash.add(sample.tracked, 1), hash.add(sample.spaceEpoch, 1);
    return error;
  }
  if (format == SNAPSHOT_INPUT) {
    SnapshotHeader header;
    return decodeSnapshot(bytes, length, 0, header, [&](std::uint16_t slot, const PoseSample& decoded) { hash.add(slot, 2), hash.add(decoded.valid, 1); });
  }
  if (format == DELTA_INPUT) return hashDeltas(bytes, length, hash);
  if (format == HAND_INPUT) return length < HAND_BYTES ? Error::messageInvalid : decodeHand(bytes, sample.leftHand);
  // What passes the guard must not bring the library down; what it makes of it is its own.
  const nlohmann::json message = isBoundedMessage(bytes, length) ? nlohmann::json::from_msgpack(bytes, bytes + length, true, false) : nlohmann::json();
  return message.is_object() ? Error::none : Error::messageInvalid;
}

inline void printOutcomes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(all.data());
  for (std::size_t at = 0; at + 5 <= all.size();) {
    const std::uint8_t format = bytes[at];
    const std::uint32_t length = copresence::detail::readU32(bytes + at + 1);
    // A copy of its own length, so that one byte too far is found.
    const std::vector<std::uint8_t> input(bytes + at + 5, bytes + at + 5 + length);
    Hash hash;
    const auto error = outcomeOf(format, input.data(), length, hash);
    std::printf("%s %08x\n", copresence::codeOf(error), hash.value());
    at += 5 + length;
  }
}
