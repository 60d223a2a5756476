// Looks at a MessagePack body before any library decodes it: what is nested too deeply would take the stack of one that recurses [CTL2] [CTL4].
#pragma once

#include "codec.hpp"

namespace copresence {

namespace detail {

constexpr int CONTROL_DEPTH = 8;

class MessageGuard {
 public:
  MessageGuard(const std::uint8_t* bytes, std::size_t length) : bytes_(bytes), length_(length) {}

  // Whether there is one value and nothing behind it.
  bool holdsOne() { return skip(CONTROL_DEPTH) && at_ == length_; }

 private:
  bool skip(int depth) {
    if (at_ == length_) return false;
    const std::uint8_t head = bytes_[at_++];
    if (head < 0x80 || head >= 0xe0 || head == 0xc0 || head == 0xc2 || head == 0xc3) return true;
    if (head < 0x90) return skipItems(2 * (head & 15u), depth);
    if (head < 0xa0) return skipItems(head & 15u, depth);
    if (head < 0xc0) return skipBytes(head & 31u);
    std::uint64_t count = 0;
    switch (head) {
      case 0xca: return skipBytes(4);
      case 0xcb: return skipBytes(8);
      case 0xcc: case 0xcd: case 0xce: case 0xcf: return skipBytes(1u << (head - 0xcc));
      case 0xd0: case 0xd1: case 0xd2: case 0xd3: return skipBytes(1u << (head - 0xd0));
      case 0xc4: case 0xc5: case 0xc6: return readCount(1u << (head - 0xc4), count) && skipBytes(count);
      case 0xd9: case 0xda: case 0xdb: return readCount(1u << (head - 0xd9), count) && skipBytes(count);
      case 0xdc: case 0xdd: return readCount(2u << (head - 0xdc), count) && skipItems(count, depth);
      case 0xde: case 0xdf: return readCount(2u << (head - 0xde), count) && skipItems(2 * count, depth);
      default: return false;
    }
  }

  // Each item takes a byte at least, so that a count alone costs nothing.
  bool skipItems(std::uint64_t count, int depth) {
    if (depth == 0 || count > length_ - at_) return false;
    for (; count > 0; count--) if (!skip(depth - 1)) return false;
    return true;
  }

  bool skipBytes(std::uint64_t count) {
    if (count > length_ - at_) return false;
    at_ += static_cast<std::size_t>(count);
    return true;
  }

  bool readCount(std::size_t width, std::uint64_t& count) {
    if (width > length_ - at_) return false;
    for (; width > 0; width--) count = count << 8 | bytes_[at_++];
    return true;
  }

  const std::uint8_t* bytes_;
  std::size_t length_, at_ = 0;
};

}  // namespace detail

inline bool isBoundedMessage(const std::uint8_t* bytes, std::size_t length) { return detail::MessageGuard(bytes, length).holdsOne(); }

}  // namespace copresence
