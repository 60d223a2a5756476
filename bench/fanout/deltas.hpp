// Reads of a delta snapshot ([INT1] of docs/spec.md) only when each of its samples was captured: the load generator knows by that
// which pose it is and how old, and needs no more. The layouts are those of protocol/codec/delta/, for a head and two controllers.
#pragma once
#include "wire.hpp"

// The first bit of a byte is its top bit.
struct BitReader {
  const uint8_t* bytes;
  size_t size;
  size_t at = 0;

  uint32_t take(int count) {
    uint32_t value = 0;
    for (; count > 0; count--, at++) value = value << 1 | ((at >> 3) < size ? (bytes[at >> 3] >> (7 - (at & 7))) & 1 : 0);
    return value;
  }

  int32_t takeTime() {
    int ones = 0;
    while (ones < 16 && take(1) == 1) ones++;
    const uint32_t folded = ones < 16 ? take(3 + ones) + (1u << (3 + ones)) - 8 : take(32);
    return int32_t(folded >> 1) ^ -int32_t(folded & 1);
  }

  bool isBeyond() const { return at > size * 8; }
};

// What a receiver has of one participant: when the newest sample and the one before were captured, in 1/16 ms of the server's clock.
struct Told {
  bool follows = false, hasOlder = false;
  uint32_t newest = 0, older = 0;

  // Takes a key. False when it is not one of a head and two controllers.
  bool takeKey(BitReader blob) {
    constexpr size_t PARTS_BITS = 3 * (3 * 16 + 32);
    if (blob.take(5) != 7) return false;
    blob.take(8);
    newest = blob.take(32);
    blob.at += PARTS_BITS;
    hasOlder = blob.take(1) == 1;
    if (hasOlder) {
      blob.take(5);
      older = newest - uint32_t(blob.takeTime());
    }
    follows = true;
    return !blob.isBeyond();
  }

  // Takes what differs from the sample before. False when that is not there.
  bool takeDelta(BitReader blob) {
    if (!follows || blob.take(1) != 0) return false;
    const int32_t known = hasOlder ? int32_t(newest - older) : 0;
    const uint32_t captured = newest + uint32_t(blob.takeTime() + known);
    older = newest;
    newest = captured;
    hasOlder = true;
    return !blob.isBeyond();
  }
};

// Calls visit(slot, mode, blob, size) for each entry; false when the snapshot is malformed.
template <typename Visit>
bool readDeltaEntries(const uint8_t* data, size_t size, Visit visit) {
  constexpr size_t HEADER_BYTES = 9;
  size_t at = HEADER_BYTES;
  auto length = [&]() {
    size_t value = 0;
    for (int shift = 0; at < size; shift += 7) {
      const uint8_t byte = data[at++];
      value |= size_t(byte & 127) << shift;
      if (byte < 128) break;
    }
    return value;
  };
  for (size_t slot = size_t(-1); at < size;) {
    const size_t head = length();
    slot += 1 + (head >> 2);
    const int mode = int(head & 3);
    if (mode == 0) at++;
    if (mode > 1) return false;
    const size_t blobBytes = length();
    if (at + blobBytes > size) return false;
    visit(slot, mode, data + at, blobBytes);
    at += blobBytes;
  }
  return size >= HEADER_BYTES;
}
