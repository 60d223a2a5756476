// What the codec and a frame cost: codec-bench <inputs>. For each line on standard input, how many milliseconds to spend on each operation, it measures all of
// them once and prints their nanoseconds as a JSON line. The inputs are those of bench/clients/data.ts, in the file format of outcomes.hpp.
#include <chrono>
#include <copresence/avatar.hpp>
#include <copresence/snapshots.hpp>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>

using namespace copresence;
using Bytes = std::vector<std::uint8_t>;

namespace {

constexpr double TICK_MS = 1000 / 72.0, FRAME_MS = 1000 / 90.0, DELAY_MS = 50;
// Where results go, so that no compiler leaves the work out.
volatile float sink = 0;

double nowNs() { return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Inputs {
  std::vector<Bytes> rigid, hands;
  Bytes snapshot;
  std::vector<Bytes> deltas;
};

Inputs load(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(all.data());
  Inputs inputs;
  for (std::size_t at = 0; at + 5 <= all.size();) {
    const std::uint32_t length = detail::readU32(bytes + at + 1);
    const Bytes input(bytes + at + 5, bytes + at + 5 + length);
    if (bytes[at] == 1) (input[4] & LEFT_HAND ? inputs.hands : inputs.rigid).push_back(input);
    else if (bytes[at] == 2) inputs.snapshot = input;
    else readPacket(input.data(), input.size(), [&](std::uint8_t, const std::uint8_t* payload, std::size_t size) { inputs.deltas.emplace_back(payload, payload + size); });
    at += 5 + length;
  }
  return inputs;
}

// @param run does the operation `calls` times. @return nanoseconds a call.
double measure(double sliceMs, int calls, const std::function<void()>& run) {
  const double startNs = nowNs();
  int runs = 0;
  do run(), runs++;
  while (nowNs() - startNs < sliceMs * 1e6);
  return (nowNs() - startNs) / runs / calls;
}

std::vector<PoseSample> decodeAll(const std::vector<Bytes>& samples) {
  std::vector<PoseSample> decoded(samples.size());
  for (std::size_t at = 0; at < samples.size(); at++) {
    std::size_t size;
    decodePoseSample(samples[at].data(), samples[at].size(), 0, decoded[at], size);
  }
  return decoded;
}

void encodeAll(const std::vector<PoseSample>& samples) {
  std::uint8_t bytes[MAX_SAMPLE_BYTES];
  std::size_t size = 0;
  for (const PoseSample& sample : samples) encodePoseSample(sample, bytes, size), sink = sink + bytes[size / 2];
}

void decodeEach(const std::vector<Bytes>& samples, PoseSample& into) {
  std::size_t size;
  for (const Bytes& bytes : samples) decodePoseSample(bytes.data(), bytes.size(), 0, into, size), sink = into.head.x;
}

void readDeltas(const std::vector<Bytes>& snapshots) {
  DeltaReader reader(0);
  DeltaHeader header;
  std::vector<int> missing;
  for (const Bytes& bytes : snapshots) reader.read(bytes.data(), bytes.size(), 0, header, missing, [](int, const ToldState& told) { sink = told.state.ints[0]; });
}

// All frames of the stream: what has come is taken in, then everybody is drawn.
void drawFrames(const std::vector<Bytes>& snapshots) {
  SnapshotView view;
  view.restart(72);
  std::map<int, AvatarBuffer> avatars;
  PoseSample drawn;
  std::size_t next = 0;
  for (double nowMs = 0; next < snapshots.size(); nowMs += FRAME_MS) {
    for (; next < snapshots.size() && static_cast<double>(next) * TICK_MS <= nowMs; next++) {
      view.take(DELTA_SNAPSHOT, snapshots[next].data(), snapshots[next].size(), nowMs, nowMs, [&](int slot, const PoseSample& sample, bool) { avatars[slot].add(sample); });
    }
    for (auto& [slot, avatar] : avatars) avatar.at(nowMs - DELAY_MS, drawn), sink = drawn.head.x;
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const Inputs inputs = load(arguments[1]);
  const auto rigid = decodeAll(inputs.rigid), hands = decodeAll(inputs.hands);
  const int samples = static_cast<int>(rigid.size()), snapshots = static_cast<int>(inputs.deltas.size());
  const int frames = static_cast<int>(std::ceil((snapshots - 1) * TICK_MS / FRAME_MS - 1e-9)) + 1;
  PoseSample into;
  SnapshotHeader header;
  std::string line;
  while (std::getline(std::cin, line)) {
    const double sliceMs = std::stod(line);
    std::printf("{\"encode head + 2 controllers\":%.1f,", measure(sliceMs, samples, [&] { encodeAll(rigid); }));
    std::printf("\"decode head + 2 controllers\":%.1f,", measure(sliceMs, samples, [&] { decodeEach(inputs.rigid, into); }));
    std::printf("\"encode head + 2 hands\":%.1f,", measure(sliceMs, samples, [&] { encodeAll(hands); }));
    std::printf("\"decode head + 2 hands\":%.1f,", measure(sliceMs, samples, [&] { decodeEach(inputs.hands, into); }));
    std::printf("\"decode a snapshot of 20\":%.1f,", measure(sliceMs, 1, [&] { decodeSnapshot(inputs.snapshot.data(), inputs.snapshot.size(), 0, header, [](std::uint16_t, const PoseSample& sample) { sink = sample.head.x; }); }));
    std::printf("\"decode deltas of 20\":%.1f,", measure(sliceMs, snapshots, [&] { readDeltas(inputs.deltas); }));
    std::printf("\"a frame with 20\":%.1f}\n", measure(sliceMs, frames, [&] { drawFrames(inputs.deltas); }));
    std::fflush(stdout);
  }
}
