// The Copresence wire formats of poses, hands, snapshots and packets: header-only C++17, nothing but the standard library.
//
// Rules in brackets are those of docs/spec.md. Spaces are right-handed with +Y up and -Z forward, positions are metres, orientations
// unit quaternions x, y, z, w. Nothing here throws; what cannot be read or sent is told as an Error.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace copresence {

enum class Error { none, messageInvalid, poseNotFinite, poseOutOfRange, packetMalformed, packetTooLarge };

// The code as the specification spells it.
inline const char* codeOf(Error error) {
  switch (error) {
    case Error::none: return "NONE";
    case Error::messageInvalid: return "MESSAGE_INVALID";
    case Error::poseNotFinite: return "POSE_NOT_FINITE";
    case Error::poseOutOfRange: return "POSE_OUT_OF_RANGE";
    case Error::packetMalformed: return "PACKET_MALFORMED";
    case Error::packetTooLarge: return "PACKET_TOO_LARGE";
  }
  return "UNKNOWN";
}

struct Pose {
  float x = 0, y = 0, z = 0;
  float qx = 0, qy = 0, qz = 0, qw = 1;
};

constexpr std::size_t HAND_JOINTS = 25;
// The joints of a WebXR hand in its order: the wrist, then thumb, index, middle, ring and little finger from the palm out.
using Hand = std::array<Pose, HAND_JOINTS>;

enum Part : std::uint8_t { HEAD = 1, LEFT_CONTROLLER = 2, RIGHT_CONTROLLER = 4, LEFT_HAND = 8, RIGHT_HAND = 16 };
constexpr std::uint8_t ALL_PARTS = 31;

// One moment of one headset [POS1].
struct PoseSample {
  // Milliseconds: the device's clock when a client sends it, the server's in a snapshot.
  double captureMs = 0;
  // Bits of Part whose pose is given, and those of them that sensors saw.
  std::uint8_t valid = 0, tracked = 0;
  // One higher, modulo 8, after each reset of the reference space.
  std::uint8_t spaceEpoch = 0;
  Pose head, leftController, rightController;
  Hand leftHand, rightHand;
};

constexpr std::size_t POSE_BYTES = 10, JOINT_BYTES = 7;
constexpr std::size_t HAND_BYTES = POSE_BYTES + (HAND_JOINTS - 1) * JOINT_BYTES;
constexpr std::size_t SAMPLE_HEADER_BYTES = 6;
constexpr std::size_t MAX_SAMPLE_BYTES = SAMPLE_HEADER_BYTES + 3 * POSE_BYTES + 2 * HAND_BYTES;
constexpr std::size_t SNAPSHOT_HEADER_BYTES = 11;
constexpr std::size_t PACKET_BYTES = 524288, MESSAGES_PER_PACKET = 256;
constexpr double MAX_POSITION_M = 32.767;

enum Kind : std::uint8_t { CONTROL = 1, POSE_SAMPLE = 2, VIDEO_CHUNK = 3, ACKNOWLEDGEMENT = 4, SNAPSHOT = 16, DELTA_SNAPSHOT = 17 };

namespace detail {

constexpr std::int16_t NOT_FINITE = -32768;
constexpr double SQRT2 = 1.4142135623730951;
constexpr double STEPS = 511;
constexpr double TICKS_PER_MS = 16;

inline std::uint16_t readU16(const std::uint8_t* bytes) { return static_cast<std::uint16_t>(bytes[0] | (bytes[1] << 8)); }
inline std::uint32_t readU32(const std::uint8_t* bytes) { return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 | static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24; }
inline void writeU16(std::uint8_t* bytes, std::uint16_t value) {
  bytes[0] = static_cast<std::uint8_t>(value);
  bytes[1] = static_cast<std::uint8_t>(value >> 8);
}
inline void writeU32(std::uint8_t* bytes, std::uint32_t value) {
  writeU16(bytes, static_cast<std::uint16_t>(value));
  writeU16(bytes + 2, static_cast<std::uint16_t>(value >> 16));
}

inline bool isFinite(const Pose& pose) {
  return std::isfinite(pose.x) && std::isfinite(pose.y) && std::isfinite(pose.z) && std::isfinite(pose.qx) && std::isfinite(pose.qy) && std::isfinite(pose.qz) && std::isfinite(pose.qw);
}
inline bool isInRange(const Pose& pose) {
  return std::fabs(pose.x) <= MAX_POSITION_M && std::fabs(pose.y) <= MAX_POSITION_M && std::fabs(pose.z) <= MAX_POSITION_M;
}

struct Quaternion {
  double x, y, z, w;
};

inline Quaternion multiply(const Quaternion& a, const Quaternion& b) {
  return {a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y, a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w, a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z};
}

inline std::array<double, 3> rotate(const Quaternion& q, double x, double y, double z) {
  const double tx = 2 * (q.y * z - q.z * y), ty = 2 * (q.z * x - q.x * z), tz = 2 * (q.x * y - q.y * x);
  return {x + q.w * tx + q.y * tz - q.z * ty, y + q.w * ty + q.z * tx - q.x * tz, z + q.w * tz + q.x * ty - q.y * tx};
}

}  // namespace detail

// Milliseconds to ticks of the wire, modulo 2^32 [NUM1].
inline std::uint32_t toTicks(double timeMs) {
  const double ticks = std::fmod(std::floor(timeMs * detail::TICKS_PER_MS + 0.5), 4294967296.0);
  return std::isfinite(ticks) ? static_cast<std::uint32_t>(ticks < 0 ? ticks + 4294967296.0 : ticks) : 0;
}

// Ticks of the wire to the time that is nearest to `nearMs`: right while both are within 37 hours [NUM1].
inline double fromTicks(std::uint32_t ticks, double nearMs) {
  const auto difference = static_cast<std::int32_t>(ticks - toTicks(nearMs));
  return (std::floor(nearMs * detail::TICKS_PER_MS + 0.5) + difference) / detail::TICKS_PER_MS;
}

// Packs an orientation into 32 bits, within 0.2 degrees [NUM3] [NUM5].
inline std::uint32_t packQuaternion(double x, double y, double z, double w) {
  const double components[4] = {x, y, z, w};
  int largest = 3;
  for (int index = 0; index < 3; index++) if (std::fabs(components[index]) > std::fabs(components[largest])) largest = index;
  const double length = std::sqrt(x * x + y * y + z * z + w * w);
  if (!(length > 1e-9)) return 3u << 30 | 511u << 20 | 511u << 10 | 511u;
  const double scale = (components[largest] < 0 ? -detail::SQRT2 : detail::SQRT2) * detail::STEPS / length;
  double others[3], exact[3], slips[3];
  int rounded[3];
  for (int index = 0, out = 0; index < 4; index++) if (index != largest) others[out++] = components[index];
  double slip = 0;
  for (int index = 0; index < 3; index++) {
    exact[index] = others[index] * scale + detail::STEPS;
    rounded[index] = static_cast<int>(exact[index] + 0.5);
    slips[index] = (rounded[index] - exact[index]) * others[index];
    slip += slips[index];
  }
  if (std::fabs(slip) > 0.6 * std::fabs(components[largest])) {
    // All four are near 1/2: the one that adds most to the slip is rounded the other way.
    const double toward = slip < 0 ? -1 : 1;
    int worst = 2;
    if (slips[0] * toward >= slips[1] * toward && slips[0] * toward >= slips[2] * toward) worst = 0;
    else if (slips[1] * toward >= slips[2] * toward) worst = 1;
    const double error = rounded[worst] - exact[worst];
    rounded[worst] -= error > 0 ? 1 : error < 0 ? -1 : 0;
  }
  return static_cast<std::uint32_t>(largest) << 30 | static_cast<std::uint32_t>(rounded[0]) << 20 | static_cast<std::uint32_t>(rounded[1]) << 10 | static_cast<std::uint32_t>(rounded[2]);
}

// Any 32 bits give a unit quaternion [NUM4].
inline detail::Quaternion unpackQuaternion(std::uint32_t packed) {
  const double step = 1 / (detail::SQRT2 * detail::STEPS);
  double others[3] = {((packed >> 20 & 1023) - detail::STEPS) * step, ((packed >> 10 & 1023) - detail::STEPS) * step, ((packed & 1023) - detail::STEPS) * step};
  const double squares = others[0] * others[0] + others[1] * others[1] + others[2] * others[2];
  double rest = 0;
  if (squares <= 1) rest = std::sqrt(1 - squares);
  else for (double& other : others) other /= std::sqrt(squares);
  double all[4];
  const auto largest = static_cast<int>(packed >> 30);
  for (int index = 0, from = 0; index < 4; index++) all[index] = index == largest ? rest : others[from++];
  return {all[0], all[1], all[2], all[3]};
}

namespace detail {

// Millimetres to the nearest, or NOT_FINITE [NUM2].
inline std::int16_t quantise(double metres) {
  const double mm = metres * 1000;
  return mm > -32767.5 && mm < 32767.5 ? static_cast<std::int16_t>(std::floor(mm + 0.5)) : NOT_FINITE;
}

inline bool isMarkedFinite(const std::uint8_t* bytes) {
  for (int axis = 0; axis < 3; axis++) if (static_cast<std::int16_t>(readU16(bytes + 2 * axis)) == NOT_FINITE) return false;
  return true;
}

inline std::uint8_t toByte(double metres, int offsetMm) {
  const double shifted = metres * 1000 + offsetMm + 0.5;
  return shifted < 0 ? 0 : shifted > 255 ? 255 : static_cast<std::uint8_t>(shifted);
}

// What byte 0 stands for on each axis, negated [HND1].
constexpr int JOINT_OFFSET_MM[3] = {127, 150, 225};

}  // namespace detail

// A head, a controller or a wrist: 10 bytes [POS2]. `bytes` has room for POSE_BYTES.
inline void encodePose(const Pose& pose, std::uint8_t* bytes) {
  detail::writeU16(bytes, static_cast<std::uint16_t>(detail::quantise(pose.x)));
  detail::writeU16(bytes + 2, static_cast<std::uint16_t>(detail::quantise(pose.y)));
  detail::writeU16(bytes + 4, static_cast<std::uint16_t>(detail::quantise(pose.z)));
  detail::writeU32(bytes + 6, packQuaternion(pose.qx, pose.qy, pose.qz, pose.qw));
}

// POSE_BYTES are read. @return none, or poseNotFinite.
inline Error decodePose(const std::uint8_t* bytes, Pose& pose) {
  if (!detail::isMarkedFinite(bytes)) return Error::poseNotFinite;
  const auto metres = [bytes](int axis) { return static_cast<float>(static_cast<std::int16_t>(detail::readU16(bytes + 2 * axis)) / 1000.0); };
  const auto q = unpackQuaternion(detail::readU32(bytes + 6));
  pose = {metres(0), metres(1), metres(2), static_cast<float>(q.x), static_cast<float>(q.y), static_cast<float>(q.z), static_cast<float>(q.w)};
  return Error::none;
}

// A hand: 178 bytes, its joints relative to the wrist as the decoder will see it [HND1] [HND2].
inline Error encodeHand(const Hand& hand, std::uint8_t* bytes) {
  for (const Pose& joint : hand) if (!detail::isFinite(joint)) return Error::poseNotFinite;
  if (!detail::isInRange(hand[0])) return Error::poseOutOfRange;
  encodePose(hand[0], bytes);
  Pose wrist;
  decodePose(bytes, wrist);
  const detail::Quaternion inverse{-wrist.qx, -wrist.qy, -wrist.qz, wrist.qw};
  std::uint8_t* out = bytes + POSE_BYTES;
  for (std::size_t joint = 1; joint < HAND_JOINTS; joint++, out += JOINT_BYTES) {
    const Pose& pose = hand[joint];
    const auto place = detail::rotate(inverse, static_cast<double>(pose.x) - wrist.x, static_cast<double>(pose.y) - wrist.y, static_cast<double>(pose.z) - wrist.z);
    for (std::size_t axis = 0; axis < 3; axis++) out[axis] = detail::toByte(place[axis], detail::JOINT_OFFSET_MM[axis]);
    const auto turn = detail::multiply(inverse, {pose.qx, pose.qy, pose.qz, pose.qw});
    detail::writeU32(out + 3, packQuaternion(turn.x, turn.y, turn.z, turn.w));
  }
  return Error::none;
}

// HAND_BYTES are read.
inline Error decodeHand(const std::uint8_t* bytes, Hand& hand) {
  if (decodePose(bytes, hand[0]) != Error::none) return Error::poseNotFinite;
  const Pose wrist = hand[0];
  const detail::Quaternion turned{wrist.qx, wrist.qy, wrist.qz, wrist.qw};
  const std::uint8_t* in = bytes + POSE_BYTES;
  for (std::size_t joint = 1; joint < HAND_JOINTS; joint++, in += JOINT_BYTES) {
    const auto metres = [in](std::size_t axis) { return (in[axis] - detail::JOINT_OFFSET_MM[axis]) / 1000.0; };
    const auto place = detail::rotate(turned, metres(0), metres(1), metres(2));
    const auto q = detail::multiply(turned, unpackQuaternion(detail::readU32(in + 3)));
    hand[joint] = {static_cast<float>(wrist.x + place[0]), static_cast<float>(wrist.y + place[1]), static_cast<float>(wrist.z + place[2]), static_cast<float>(q.x), static_cast<float>(q.y), static_cast<float>(q.z), static_cast<float>(q.w)};
  }
  return Error::none;
}

// How many bytes a sample with these valid parts takes.
inline std::size_t sampleBytes(std::uint8_t valid) {
  std::size_t size = SAMPLE_HEADER_BYTES;
  for (int part = 0; part < 5; part++) if (valid & 1 << part) size += part < 3 ? POSE_BYTES : HAND_BYTES;
  return size;
}

// `bytes` has room for MAX_SAMPLE_BYTES; `size` is how many were written [POS5].
inline Error encodePoseSample(const PoseSample& sample, std::uint8_t* bytes, std::size_t& size) {
  if (!std::isfinite(sample.captureMs)) return Error::poseNotFinite;
  detail::writeU32(bytes, toTicks(sample.captureMs));
  bytes[4] = sample.valid & ALL_PARTS;
  bytes[5] = static_cast<std::uint8_t>((sample.tracked & sample.valid & ALL_PARTS) | (sample.spaceEpoch & 7) << 5);
  std::uint8_t* out = bytes + SAMPLE_HEADER_BYTES;
  const Pose* rigid[3] = {&sample.head, &sample.leftController, &sample.rightController};
  for (int part = 0; part < 3; part++) {
    if (!(sample.valid & 1 << part)) continue;
    if (!detail::isFinite(*rigid[part])) return Error::poseNotFinite;
    if (!detail::isInRange(*rigid[part])) return Error::poseOutOfRange;
    encodePose(*rigid[part], out);
    out += POSE_BYTES;
  }
  const Hand* hands[2] = {&sample.leftHand, &sample.rightHand};
  for (int hand = 0; hand < 2; hand++) {
    if (!(sample.valid & LEFT_HAND << hand)) continue;
    if (const Error error = encodeHand(*hands[hand], out); error != Error::none) return error;
    out += HAND_BYTES;
  }
  size = static_cast<std::size_t>(out - bytes);
  return Error::none;
}

// Whether a sample can be decoded from the head of `length` bytes; `size` is how many it takes [POS6].
inline Error checkPoseSample(const std::uint8_t* bytes, std::size_t length, std::size_t& size) {
  if (length < SAMPLE_HEADER_BYTES) return Error::messageInvalid;
  const std::uint8_t valid = bytes[4], tracked = bytes[5] & ALL_PARTS;
  size = sampleBytes(valid & ALL_PARTS);
  if ((valid & ~ALL_PARTS) || (tracked & ~valid) || length < size) return Error::messageInvalid;
  const std::uint8_t* in = bytes + SAMPLE_HEADER_BYTES;
  for (int part = 0; part < 5; part++) {
    if (!(valid & 1 << part)) continue;
    if (!detail::isMarkedFinite(in)) return Error::poseNotFinite;
    in += part < 3 ? POSE_BYTES : HAND_BYTES;
  }
  return Error::none;
}

// Decodes a sample at the head of `length` bytes; `size` is how many it took. Nothing is changed by one that is refused, and parts that are not valid keep what they held.
inline Error decodePoseSample(const std::uint8_t* bytes, std::size_t length, double nearMs, PoseSample& into, std::size_t& size) {
  if (const Error error = checkPoseSample(bytes, length, size); error != Error::none) return error;
  into.captureMs = fromTicks(detail::readU32(bytes), nearMs);
  into.valid = bytes[4];
  into.tracked = bytes[5] & ALL_PARTS;
  into.spaceEpoch = bytes[5] >> 5;
  const std::uint8_t* in = bytes + SAMPLE_HEADER_BYTES;
  Pose* rigid[3] = {&into.head, &into.leftController, &into.rightController};
  for (int part = 0; part < 3; part++) {
    if (!(into.valid & 1 << part)) continue;
    decodePose(in, *rigid[part]);
    in += POSE_BYTES;
  }
  Hand* hands[2] = {&into.leftHand, &into.rightHand};
  for (int hand = 0; hand < 2; hand++) {
    if (!(into.valid & LEFT_HAND << hand)) continue;
    decodeHand(in, *hands[hand]);
    in += HAND_BYTES;
  }
  return Error::none;
}

struct SnapshotHeader {
  std::uint32_t tick = 0;
  // Milliseconds, the server's clock.
  double serverMs = 0;
  // Everybody is in it, whether they moved or not.
  bool key = false;
  std::uint16_t count = 0;
};

// Decodes a snapshot and calls `visit(slot, sample)` for each participant, once all of it has been seen to be well formed [SNP1] [SNP4].
// The sample is overwritten for the next participant.
template <typename Visit>
Error decodeSnapshot(const std::uint8_t* bytes, std::size_t length, double nearMs, SnapshotHeader& header, Visit&& visit) {
  if (length < SNAPSHOT_HEADER_BYTES || bytes[8] > 1) return Error::messageInvalid;
  header = {detail::readU32(bytes), fromTicks(detail::readU32(bytes + 4), nearMs), bytes[8] == 1, detail::readU16(bytes + 9)};
  PoseSample sample;
  for (const bool isCheck : {true, false}) {
    std::size_t at = SNAPSHOT_HEADER_BYTES;
    for (int entry = 0; entry < header.count; entry++) {
      if (length - at < 2) return Error::messageInvalid;
      std::size_t size = 0;
      const Error error = isCheck ? checkPoseSample(bytes + at + 2, length - at - 2, size) : decodePoseSample(bytes + at + 2, length - at - 2, header.serverMs, sample, size);
      if (error != Error::none) return error;
      if (!isCheck) visit(detail::readU16(bytes + at), static_cast<const PoseSample&>(sample));
      at += 2 + size;
    }
    if (at != length) return Error::messageInvalid;
  }
  return Error::none;
}

// Puts a message behind what is in a packet [PKT1] [PKT2].
inline void appendMessage(std::vector<std::uint8_t>& packet, std::uint8_t kind, const std::uint8_t* payload, std::size_t length) {
  packet.push_back(kind);
  std::size_t rest = length;
  for (; rest > 127; rest >>= 7) packet.push_back(static_cast<std::uint8_t>(rest & 127) | 128);
  packet.push_back(static_cast<std::uint8_t>(rest));
  packet.insert(packet.end(), payload, payload + length);
}

// Calls `visit(kind, payload, length)` for each message, once the whole packet has been seen to be well formed [PKT4].
template <typename Visit>
Error readPacket(const std::uint8_t* bytes, std::size_t length, Visit&& visit) {
  if (length > PACKET_BYTES) return Error::packetTooLarge;
  for (const bool isCheck : {true, false}) {
    std::size_t at = 0, messages = 0;
    while (at < length) {
      const std::uint8_t kind = bytes[at++];
      std::size_t size = 0;
      int shift = 0;
      for (bool more = true; more; shift += 7) {
        if (at == length || shift == 28) return Error::packetMalformed;
        size |= static_cast<std::size_t>(bytes[at] & 127) << shift;
        more = (bytes[at++] & 128) != 0;
      }
      if (length - at < size || ++messages > MESSAGES_PER_PACKET) return Error::packetMalformed;
      if (!isCheck) visit(kind, bytes + at, size);
      at += size;
    }
    if (messages == 0) return Error::packetMalformed;
  }
  return Error::none;
}

}  // namespace copresence
