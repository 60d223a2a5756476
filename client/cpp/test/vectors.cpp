// Passes the golden vectors through the codec: vectors <folder> [inputs]. Prints what does not fit, then a line of counts; with inputs, what each of them is read as.
#include <copresence/delta.hpp>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "outcomes.hpp"

using nlohmann::json;
using namespace copresence;
using Bytes = std::vector<std::uint8_t>;

namespace {

int passed = 0, failed = 0;
double positionTolerance = 0, componentTolerance = 0;

void check(bool isRight, const std::string& what) {
  if (isRight) passed++;
  else failed++;
  if (!isRight) std::cout << "wrong: " << what << "\n";
}

Bytes fromHex(const std::string& hex) {
  Bytes bytes(hex.size() / 2);
  for (std::size_t at = 0; at < bytes.size(); at++) bytes[at] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * at, 2), nullptr, 16));
  return bytes;
}

Pose toPose(const json& row) { return {row[0], row[1], row[2], row[3], row[4], row[5], row[6]}; }

bool isNear(const Pose& pose, const json& row) {
  const float values[7] = {pose.x, pose.y, pose.z, pose.qx, pose.qy, pose.qz, pose.qw};
  for (int at = 0; at < 7; at++) if (std::fabs(values[at] - row[at].get<double>()) > (at < 3 ? positionTolerance : componentTolerance)) return false;
  return true;
}

Hand toHand(const json& rows) {
  Hand hand;
  for (std::size_t joint = 0; joint < HAND_JOINTS; joint++) hand[joint] = toPose(rows[joint]);
  return hand;
}

bool isNear(const Hand& hand, const json& rows) {
  for (std::size_t joint = 0; joint < HAND_JOINTS; joint++) if (!isNear(hand[joint], rows[joint])) return false;
  return rows.size() == HAND_JOINTS;
}

PoseSample toSample(const json& value) {
  PoseSample sample;
  sample.captureMs = value["captureMs"];
  sample.tracked = value["tracked"];
  sample.spaceEpoch = value["spaceEpoch"];
  const auto& parts = value["parts"];
  const auto rigid = [&](const char* name, Part part, Pose& pose) {
    if (!parts.contains(name)) return;
    sample.valid |= part;
    pose = toPose(parts[name]);
  };
  const auto hand = [&](const char* name, Part part, Hand& joints) {
    if (!parts.contains(name)) return;
    sample.valid |= part;
    joints = toHand(parts[name]);
  };
  rigid("head", HEAD, sample.head);
  rigid("leftController", LEFT_CONTROLLER, sample.leftController);
  rigid("rightController", RIGHT_CONTROLLER, sample.rightController);
  hand("leftHand", LEFT_HAND, sample.leftHand);
  hand("rightHand", RIGHT_HAND, sample.rightHand);
  return sample;
}

bool isNear(const PoseSample& sample, const json& value) {
  const PoseSample expected = toSample(value);
  if (sample.captureMs != expected.captureMs || sample.valid != expected.valid || sample.tracked != expected.tracked || sample.spaceEpoch != expected.spaceEpoch) return false;
  const auto& parts = value["parts"];
  return (!(sample.valid & HEAD) || isNear(sample.head, parts["head"])) && (!(sample.valid & LEFT_CONTROLLER) || isNear(sample.leftController, parts["leftController"])) &&
         (!(sample.valid & RIGHT_CONTROLLER) || isNear(sample.rightController, parts["rightController"])) && (!(sample.valid & LEFT_HAND) || isNear(sample.leftHand, parts["leftHand"])) &&
         (!(sample.valid & RIGHT_HAND) || isNear(sample.rightHand, parts["rightHand"]));
}

// A packet of delta snapshots, one after the other to one receiver; empty when one of them is refused.
std::vector<json> readDeltas(const Bytes& bytes, double nearMs, Error& error) {
  DeltaReader reader(BASELINES);
  std::vector<json> snapshots;
  const Error broken = readPacket(bytes.data(), bytes.size(), [&](std::uint8_t, const std::uint8_t* payload, std::size_t length) {
    DeltaHeader header;
    std::vector<int> missing;
    json entries = json::array();
    if (error != Error::none) return;
    error = reader.read(payload, length, nearMs, header, missing, [&](int slot, const ToldState& told) {
      std::uint8_t sample[MAX_SAMPLE_BYTES];
      const std::size_t size = writeAvatarState(told.state, sample);
      entries.push_back({{"slot", slot}, {"tier", told.tier}, {"isKey", told.key}, {"sampleHex", toHex(sample, size)}});
    });
    if (!missing.empty()) error = Error::messageInvalid;
    snapshots.push_back({{"tick", header.tick}, {"serverMs", header.serverMs}, {"key", header.key}, {"acknowledge", header.acknowledge}, {"entries", entries}});
  });
  if (broken != Error::none) error = broken;
  return snapshots;
}

void checkDeltaStream(const json& vector, const Bytes& bytes, const std::string& what) {
  Error error = Error::none;
  const auto snapshots = readDeltas(bytes, vector.value("nearMs", 0.0), error);
  json expected = vector["decoded"];
  for (json& snapshot : expected) {
    for (json& entry : snapshot["entries"]) {
      entry["isKey"] = entry["mode"] == "key";
      entry.erase("mode"), entry.erase("baselineTick");
    }
  }
  check(error == Error::none && json(snapshots) == expected, what);
}

// The snapshots that an acknowledgement tells of arrive one by one; the last is told, since 50 ms have passed since the first [ACK1].
void checkAcknowledgement(const json& decoded, const Bytes& bytes, const std::string& what) {
  const std::uint32_t tick = decoded["tick"], earlier = decoded["earlier"];
  Acknowledger acknowledger;
  Bytes told(ACKNOWLEDGEMENT_BYTES);
  for (std::uint32_t before = 32; before > 0; before--) if (earlier >> (before - 1) & 1) acknowledger.arrived(tick - before, 0, told.data());
  check(acknowledger.arrived(tick, 50, told.data()) && told == bytes, what);
  check(!acknowledger.arrived(tick + 1, 60, told.data()), what + ", no sooner than 50 ms later");
}

void checkVector(const std::string& format, const json& vector) {
  const std::string what = format + ": " + vector["name"].get<std::string>();
  const Bytes bytes = fromHex(vector["hex"]);
  const double nearMs = vector.value("nearMs", 0.0);
  const json& decoded = vector["decoded"];
  if (format == "quaternion") {
    const auto q = unpackQuaternion(detail::readU32(bytes.data()));
    check(isNear(Pose{0, 0, 0, static_cast<float>(q.x), static_cast<float>(q.y), static_cast<float>(q.z), static_cast<float>(q.w)}, json::array({0, 0, 0, decoded[0], decoded[1], decoded[2], decoded[3]})), what);
    if (vector.contains("source")) {
      const json& s = vector["source"];
      // Sources are rounded to 32 bits before they are packed, as poses are.
      check(packQuaternion(s[0].get<float>(), s[1].get<float>(), s[2].get<float>(), s[3].get<float>()) == detail::readU32(bytes.data()), what + ", packed");
    }
  } else if (format == "pose") {
    Pose pose;
    check(decodePose(bytes.data(), pose) == Error::none && isNear(pose, decoded), what);
    if (!vector.contains("source")) return;
    Bytes again(POSE_BYTES);
    encodePose(toPose(vector["source"]), again.data());
    check(again == bytes, what + ", encoded");
  } else if (format == "hand") {
    Hand hand;
    check(decodeHand(bytes.data(), hand) == Error::none && isNear(hand, decoded), what);
    if (!vector.contains("source")) return;
    Bytes again(HAND_BYTES);
    check(encodeHand(toHand(vector["source"]), again.data()) == Error::none && again == bytes, what + ", encoded");
  } else if (format == "pose-sample") {
    PoseSample sample;
    std::size_t size = 0;
    check(decodePoseSample(bytes.data(), bytes.size(), nearMs, sample, size) == Error::none && size == bytes.size() && isNear(sample, decoded), what);
    if (!vector.contains("source")) return;
    Bytes again(MAX_SAMPLE_BYTES);
    check(encodePoseSample(toSample(vector["source"]), again.data(), size) == Error::none, what + ", encoded");
    again.resize(size);
    check(again == bytes, what + ", the same bytes");
  } else if (format == "snapshot") {
    SnapshotHeader header;
    std::size_t seen = 0;
    bool isRight = true;
    const Error error = decodeSnapshot(bytes.data(), bytes.size(), nearMs, header, [&](std::uint16_t slot, const PoseSample& sample) {
      const json& entry = decoded["entries"][seen++];
      isRight = isRight && entry["slot"] == slot && isNear(sample, entry["sample"]);
    });
    check(error == Error::none && isRight && seen == decoded["entries"].size() && header.tick == decoded["tick"] && header.serverMs == decoded["serverMs"] && header.key == decoded["key"], what);
  } else if (format == "delta-stream") {
    checkDeltaStream(vector, bytes, what);
  } else if (format == "acknowledgement") {
    checkAcknowledgement(decoded, bytes, what);
  } else if (format == "container") {
    std::size_t seen = 0;
    bool isRight = true;
    Bytes again;
    const Error error = readPacket(bytes.data(), bytes.size(), [&](std::uint8_t kind, const std::uint8_t* payload, std::size_t length) {
      const json& message = decoded[seen++];
      isRight = isRight && message["kind"] == kind && fromHex(message["payloadHex"]) == Bytes(payload, payload + length);
      appendMessage(again, kind, payload, length);
    });
    check(error == Error::none && isRight && seen == decoded.size(), what);
    check(again == bytes || vector["name"].get<std::string>().find("long") != std::string::npos, what + ", the same bytes");
  }
}

void checkRefused(const json& vector) {
  const std::string format = vector["format"];
  const Bytes bytes = fromHex(vector["hex"]);
  Error error = Error::none;
  PoseSample sample;
  std::size_t size = 0;
  SnapshotHeader header;
  Pose pose;
  Hand hand;
  if (format == "container") error = readPacket(bytes.data(), bytes.size(), [](std::uint8_t, const std::uint8_t*, std::size_t) {});
  else if (format == "pose") error = decodePose(bytes.data(), pose);
  else if (format == "hand") error = decodeHand(bytes.data(), hand);
  else if (format == "delta-stream") readDeltas(bytes, 0, error);
  else if (format == "snapshot") error = decodeSnapshot(bytes.data(), bytes.size(), 0, header, [](std::uint16_t, const PoseSample&) {});
  else if (format == "pose-sample") {
    error = decodePoseSample(bytes.data(), bytes.size(), 0, sample, size);
    if (error == Error::none && size != bytes.size()) error = Error::messageInvalid;
  } else return;
  check(codeOf(error) == vector["code"].get<std::string>(), format + ", refused: " + vector["name"].get<std::string>() + " gave " + codeOf(error));
}

json load(const std::string& path) {
  std::ifstream file(path);
  return json::parse(file);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string folder = count > 1 ? arguments[1] : "protocol/vectors";
  const json index = load(folder + "/index.json");
  positionTolerance = index["tolerances"]["decodedPositionM"];
  componentTolerance = index["tolerances"]["decodedComponent"];
  for (const json& name : index["files"]) {
    const json file = load(folder + "/" + name.get<std::string>());
    for (const json& vector : file["vectors"]) {
      if (file.contains("format")) checkVector(file["format"], vector);
      else checkRefused(vector);
    }
  }
  if (count > 2) printOutcomes(arguments[2]);
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 && passed > 0 ? 0 : 1;
}
