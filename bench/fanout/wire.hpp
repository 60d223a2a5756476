// What the load generator and the epoll server share: WebSocket framing, a clock, and writing without blocking.
#pragma once
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

using Bytes = std::vector<uint8_t>;

inline uint64_t nowNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1000000000ull + uint64_t(t.tv_nsec);
}

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

inline uint32_t readU32(const uint8_t* at) {
  uint32_t value;
  std::memcpy(&value, at, 4);
  return value;
}
inline uint16_t readU16(const uint8_t* at) { return uint16_t(at[0] | (at[1] << 8)); }
inline void writeU32(uint8_t* at, uint32_t value) { std::memcpy(at, &value, 4); }
inline void writeU16(uint8_t* at, uint16_t value) { std::memcpy(at, &value, 2); }

// Appends a frame's header. A client's frames carry a mask of zeros, which leaves the payload as it is.
inline void appendFrameHeader(Bytes& out, int opcode, size_t size, bool masked) {
  const uint8_t mask = masked ? 0x80 : 0;
  out.push_back(uint8_t(0x80 | opcode));
  if (size < 126) {
    out.push_back(uint8_t(mask | size));
  } else if (size < 65536) {
    out.push_back(mask | 126);
    out.push_back(uint8_t(size >> 8));
    out.push_back(uint8_t(size));
  } else {
    out.push_back(mask | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(uint8_t(uint64_t(size) >> shift));
  }
  if (masked) out.insert(out.end(), 4, 0);
}

inline void appendFrame(Bytes& out, int opcode, const uint8_t* payload, size_t size, bool masked) {
  appendFrameHeader(out, opcode, size, masked);
  out.insert(out.end(), payload, payload + size);
}

// Calls visit(opcode, payload, size) for each whole frame of data[0..size) and unmasks in place; returns the bytes used.
template <typename Visit>
size_t readFrames(uint8_t* data, size_t size, Visit visit) {
  size_t at = 0;
  while (size - at >= 2) {
    uint8_t* frame = data + at;
    const bool masked = (frame[1] & 0x80) != 0;
    uint64_t length = frame[1] & 0x7f;
    size_t header = 2;
    if (length == 126) {
      if (size - at < 4) break;
      length = uint64_t(frame[2]) << 8 | frame[3];
      header = 4;
    } else if (length == 127) {
      if (size - at < 10) break;
      length = 0;
      for (int i = 2; i < 10; i++) length = length << 8 | frame[i];
      header = 10;
    }
    const size_t start = header + (masked ? 4 : 0);
    if (size - at < start + length) break;
    uint8_t* payload = frame + start;
    if (masked && readU32(frame + header) != 0)
      for (uint64_t i = 0; i < length; i++) payload[i] ^= frame[header + (i & 3)];
    at += start + length;
    visit(frame[0] & 0x0f, payload, size_t(length));
  }
  return at;
}

// One socket whose writes never block: what the kernel does not take waits here.
struct Link {
  int fd = -1;
  Bytes in;
  Bytes out;
  size_t outAt = 0;

  bool isBlocked() const { return outAt < out.size(); }

  // False when the peer is gone.
  bool write(const uint8_t* data, size_t size) {
    if (!isBlocked()) {
      const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return false;
      const size_t taken = sent < 0 ? 0 : size_t(sent);
      if (taken == size) return true;
      out.assign(data + taken, data + size);
      outAt = 0;
      return true;
    }
    out.insert(out.end(), data, data + size);
    return true;
  }

  bool flush() {
    while (isBlocked()) {
      const ssize_t sent = ::send(fd, out.data() + outAt, out.size() - outAt, MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      outAt += size_t(sent);
    }
    out.clear();
    outAt = 0;
    return true;
  }

  // Reads once into `buffer` and gives visit all bytes that are there; visit returns how many it used. False at the end.
  template <typename Use>
  bool read(Bytes& buffer, Use use) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
    if (got < 0) return true;
    if (in.empty()) {
      const size_t used = use(buffer.data(), size_t(got));
      in.assign(buffer.begin() + long(used), buffer.begin() + got);
    } else {
      in.insert(in.end(), buffer.begin(), buffer.begin() + got);
      const size_t used = use(in.data(), in.size());
      in.erase(in.begin(), in.begin() + long(used));
    }
    return true;
  }
};

inline void prepareSocket(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}
