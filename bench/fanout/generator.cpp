// Load for the fan-out benchmark: many headsets on one epoll loop, each sending a pose at a fixed rate and counting what
// comes back. It speaks to every server of the comparison in that server's own protocol.
//
// generator <port> <protocol> <pose Hz> <members a session> <hex of the pose>, commands on standard input:
//   client <path> <hex of what to send once open, or ->   opens one more client
//   sync                                                  answers {"ready":n} when all of them have joined
//   active <count>                                        from here on only the first so many send; the others still receive
//   measure <milliseconds>                                answers one line of JSON
// A pose carries its sender's number and a sequence number, so that each delivery is known to be of this session, new to
// its receiver, and so old.
#include "deltas.hpp"
#include "wire.hpp"

#include <arpa/inet.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <queue>
#include <sstream>

namespace {

enum class Protocol { copresence, raw, socketIo, colyseus };

constexpr uint32_t MAGIC = 0xC0DE0000;
constexpr int RING = 512;
constexpr int BIN_US = 50;
constexpr int BINS = 400000;  // 20 s

struct Client : Link {
  int number = 0;
  bool upgraded = false;
  bool ready = false;
  uint32_t sequence = 0;
  Bytes hello;
  std::vector<uint64_t> sentNs = std::vector<uint64_t>(RING);
  int slot = -1;                 // of its own, in a copresence session
  std::vector<Told> told;        // by slot
  std::vector<uint16_t> newest;  // by member of the session, the sequence number seen last, plus one
};

Protocol protocol;
int port;
int members;
uint64_t periodNs;
Bytes pose;       // the payload as sent, sender and sequence number to be filled in
Bytes poseFrame;  // a scratch for the whole frame
int epollFd;
std::vector<std::unique_ptr<Client>> clients;
// When each client sends next, the soonest first: looking at all of them in every turn would cost more than the load.
using Due = std::pair<uint64_t, int>;
std::priority_queue<Due, std::vector<Due>, std::greater<Due>> due;
// Clients with bytes that the kernel did not take.
std::vector<int> blocked;
int activeCount = INT32_MAX;
Bytes buffer(1 << 18);
int readyCount = 0, waitingFor = -1;
bool isMeasuring = false;
uint64_t measureFromNs, measureUntilNs, cpuFromNs, longestLoopNs;
uint64_t sent, skipped, delivered, repeated, strange, bytesIn, framesIn;
std::vector<uint32_t> bins(BINS);

uint64_t cpuNs() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t(usage.ru_utime.tv_sec) + uint64_t(usage.ru_stime.tv_sec)) * 1000000000ull + (uint64_t(usage.ru_utime.tv_usec) + uint64_t(usage.ru_stime.tv_usec)) * 1000ull;
}

void tally(double ms) {
  delivered++;
  const uint64_t bin = ms <= 0 ? 0 : uint64_t(ms * 1000) / BIN_US;
  bins[bin < BINS ? bin : BINS - 1]++;
}

void count(Client& to, int from, uint32_t sequence, uint64_t atNs) {
  if (from == to.number) return;
  if (from >= int(clients.size()) || from / members != to.number / members) {
    strange++;
    return;
  }
  uint16_t& newest = to.newest[size_t(from % members)];
  const uint16_t marked = uint16_t((sequence & 0x7fff) + 1);
  if (newest == marked) {
    repeated++;
    return;
  }
  newest = marked;
  tally(double(atNs - clients[size_t(from)]->sentNs[sequence % RING]) / 1e6);
}

void isStrange() { strange++; }

void writeTo(Client& client, const uint8_t* data, size_t size) {
  const bool wasBlocked = client.isBlocked();
  client.write(data, size);
  if (!wasBlocked && client.isBlocked()) blocked.push_back(client.number);
}

void flushBlocked() {
  size_t kept = 0;
  for (const int number : blocked) {
    clients[size_t(number)]->flush();
    if (clients[size_t(number)]->isBlocked()) blocked[kept++] = number;
  }
  blocked.resize(kept);
}

void sendFrame(Client& client, int opcode, const uint8_t* payload, size_t size) {
  Bytes frame;
  appendFrame(frame, opcode, payload, size, true);
  writeTo(client, frame.data(), frame.size());
}

void becomeReady(Client& client) {
  if (client.ready) return;
  client.ready = true;
  readyCount++;
}

// ── what each protocol brings ───────────────────────────────────────────────

// Poses of a fixed size one after the other.
void takeRaw(Client& client, const uint8_t* data, size_t size, uint64_t atNs) {
  if (size % pose.size() != 0) strange++;
  for (size_t at = 0; at + pose.size() <= size; at += pose.size()) {
    if (readU32(data + at) != MAGIC) strange++;
    else count(client, int(readU32(data + at + 4)), readU32(data + at + 8), atNs);
  }
}

// Of this clock less the server's, the least of all pings: what a ping takes on its way is a tenth of a millisecond then.
double serverOffsetMs = 1e300;

// bytes: the server's time when it sent a ping, a big-endian double.
void noteServerClock(const uint8_t* bytes, double nowMs) {
  uint64_t bits = 0;
  for (int i = 0; i < 8; i++) bits = bits << 8 | bytes[i];
  double serverMs;
  std::memcpy(&serverMs, &bits, 8);
  serverOffsetMs = std::min(serverOffsetMs, nowMs - serverMs);
}

void answerPing(Client& client, const uint8_t* payload, size_t size, uint64_t atNs) {
  const uint8_t* key = static_cast<const uint8_t*>(memmem(payload, size, "\xa8serverMs", 9));
  if (key == nullptr) return;
  const uint8_t* value = key + 9;
  uint8_t number[9] = {0xcb};
  if (*value == 0xcb) std::memcpy(number, value, 9);
  else return isStrange();
  Bytes body = {0x83, 0xa4, 't', 'y', 'p', 'e', 0xa4, 'p', 'o', 'n', 'g'};
  auto append = [&](const char* name, const uint8_t* bytes) {
    body.push_back(uint8_t(0xa0 | std::strlen(name)));
    body.insert(body.end(), name, name + std::strlen(name));
    body.insert(body.end(), bytes, bytes + 9);
  };
  append("serverMs", number);
  const double deviceMs = double(atNs) / 1e6;
  noteServerClock(value + 1, deviceMs);
  uint64_t bits;
  std::memcpy(&bits, &deviceMs, 8);
  uint8_t device[9] = {0xcb};
  for (int i = 0; i < 8; i++) device[1 + i] = uint8_t(bits >> (56 - 8 * i));
  append("deviceMs", device);
  Bytes message = {1, uint8_t(body.size())};
  message.insert(message.end(), body.begin(), body.end());
  sendFrame(client, 2, message.data(), message.size());
}

constexpr size_t SAMPLE_BYTES = 36, HEAD_AT = 6, SENDER_AT = 16, SEQUENCE_AT = 18, RIGHT_AT = 26, ENTRY_BYTES = 2 + SAMPLE_BYTES, SNAPSHOT_HEADER = 11;

void takeSnapshot(Client& client, const uint8_t* data, size_t size, uint64_t atNs) {
  const size_t entries = readU16(data + 9);
  if (size != SNAPSHOT_HEADER + entries * ENTRY_BYTES) return isStrange();
  for (size_t entry = 0; entry < entries; entry++) {
    const uint8_t* sample = data + SNAPSHOT_HEADER + entry * ENTRY_BYTES + 2;
    count(client, readU16(sample + SENDER_AT), readU16(sample + SEQUENCE_AT), atNs);
  }
}

// A sample is known by when it was captured, which the server has moved onto its own clock.
void takeDeltaSnapshot(Client& client, const uint8_t* data, size_t size, uint64_t atNs) {
  const uint32_t nowTicks = serverOffsetMs > 1e299 ? 0 : uint32_t(uint64_t((double(atNs) / 1e6 - serverOffsetMs) * 16));
  const bool isWhole = readDeltaEntries(data, size, [&](size_t slot, int mode, const uint8_t* blob, size_t bytes) {
    if (slot >= client.told.size()) return isStrange();
    Told& told = client.told[slot];
    const bool wasTold = told.follows;
    const uint32_t before = told.newest;
    if (!(mode == 0 ? told.takeKey({blob, bytes}) : told.takeDelta({blob, bytes}))) return isStrange();
    if (int(slot) == client.slot || serverOffsetMs > 1e299) return;
    const double ms = double(int32_t(nowTicks - told.newest)) / 16;
    if (ms < -5 || ms > 60000) return isStrange();
    if (wasTold && told.newest == before) repeated++;
    else tally(ms);
  });
  if (!isWhole) isStrange();
}

void noteSlot(Client& client, const uint8_t* payload, size_t size) {
  const uint8_t* key = static_cast<const uint8_t*>(memmem(payload, size, "\xa4slot", 5));
  if (key == nullptr) return;
  client.slot = key[5] < 128 ? key[5] : key[5] == 0xcc ? key[6] : -1;
}

void takePacket(Client& client, const uint8_t* data, size_t size, uint64_t atNs) {
  for (size_t at = 0; at < size;) {
    const int kind = data[at++];
    size_t length = 0;
    for (int shift = 0; at < size; shift += 7) {
      const uint8_t byte = data[at++];
      length |= size_t(byte & 127) << shift;
      if (byte < 128) break;
    }
    const uint8_t* payload = data + at;
    at += length;
    if (at > size) return isStrange();
    if (kind == 16) takeSnapshot(client, payload, length, atNs);
    else if (kind == 17) takeDeltaSnapshot(client, payload, length, atNs);
    else if (kind != 1) strange++;
    else if (memmem(payload, length, "\xa4ping", 5) != nullptr) answerPing(client, payload, length, atNs);
    else if (memmem(payload, length, "\xa6joined", 7) != nullptr && memmem(payload, length, "resumeToken", 11) != nullptr) {
      noteSlot(client, payload, length);
      becomeReady(client);
    }
  }
}

void takeSocketIo(Client& client, int opcode, const uint8_t* data, size_t size, uint64_t atNs) {
  if (opcode == 2) return takeRaw(client, data, size, atNs);
  if (data[0] == '0') sendFrame(client, 1, client.hello.data(), client.hello.size());
  if (data[0] == '2') sendFrame(client, 1, reinterpret_cast<const uint8_t*>("3"), 1);
  if (size > 1 && data[0] == '4' && data[1] == '0') becomeReady(client);
}

// A patch of the state: the two numbered fields of each pose that changed stand 5 bytes apart.
void takePatch(Client& client, const uint8_t* data, size_t size, uint64_t atNs) {
  for (size_t at = 0; at + 9 <= size; at++) {
    const uint8_t* mark = static_cast<const uint8_t*>(memchr(data + at + 2, 0xde, size - at - 2));
    if (mark == nullptr) return;
    at = size_t(mark - data) - 2;
    if (at + 9 > size || data[at + 3] != 0xc0) continue;
    const uint32_t first = readU32(data + at), second = readU32(data + at + 5);
    if ((first & 0xffff) != (second & 0xffff)) continue;
    count(client, int(second >> 16), first & 0xffff, atNs);
    at += 5 * 24;
  }
}

void takeColyseus(Client& client, const uint8_t* data, size_t size, uint64_t atNs) {
  if (data[0] == 10) {
    const uint8_t joined = 10;
    sendFrame(client, 2, &joined, 1);
    becomeReady(client);
  } else if (data[0] == 15) {
    takePatch(client, data, size, atNs);
  }
}

void takeFrame(Client& client, int opcode, const uint8_t* data, size_t size, uint64_t atNs) {
  framesIn++;
  if (opcode == 8) {
    std::fprintf(stderr, "client %d was closed with %d\n", client.number, size >= 2 ? data[0] << 8 | data[1] : 1005);
    std::exit(1);
  }
  if (opcode == 9) return sendFrame(client, 10, data, size);
  if (size == 0 || opcode > 2) return;
  if (protocol == Protocol::copresence) takePacket(client, data, size, atNs);
  else if (protocol == Protocol::raw) takeRaw(client, data, size, atNs);
  else if (protocol == Protocol::socketIo) takeSocketIo(client, opcode, data, size, atNs);
  else takeColyseus(client, data, size, atNs);
}

// ── sending ─────────────────────────────────────────────────────────────────

// Moves a pose of 10 bytes, three coordinates in millimetres and three components of 10 bits, as a head sways: some centimetres and
// degrees, so that a codec that tells changes has some to tell.
void sway(uint8_t* at, const uint8_t* still, double phase) {
  for (int axis = 0; axis < 3; axis++) writeU16(at + 2 * axis, uint16_t(readU16(still + 2 * axis) + int(40 * std::sin(phase + 2 * axis))));
  uint32_t turned = readU32(still + 6);
  for (int component = 0; component < 3; component++) turned += uint32_t(int(12 * std::sin(0.7 * phase + component))) << (10 * component);
  writeU32(at + 6, turned);
}

void sendPose(Client& client, uint64_t atNs) {
  if (client.isBlocked()) {
    skipped++;
    return;
  }
  const uint32_t sequence = ++client.sequence;
  client.sentNs[sequence % RING] = atNs;
  uint8_t* at = poseFrame.data() + poseFrame.size() - pose.size();
  if (protocol == Protocol::copresence) {
    writeU32(at, uint32_t(uint64_t(double(atNs) / 1e6 * 16)));
    writeU16(at + SENDER_AT, uint16_t(client.number));
    writeU16(at + SEQUENCE_AT, uint16_t(sequence & 0x7fff));
    const double phase = double(atNs) / 4e8 + client.number;
    sway(at + HEAD_AT, pose.data() + HEAD_AT, phase);
    sway(at + RIGHT_AT, pose.data() + RIGHT_AT, phase + 1);
  } else if (protocol == Protocol::colyseus) {
    writeU32(at, MAGIC | (sequence & 0x7fff));
    writeU32(at + 4, uint32_t(client.number) << 16 | (sequence & 0x7fff));
  } else {
    writeU32(at, MAGIC);
    writeU32(at + 4, uint32_t(client.number));
    writeU32(at + 8, sequence & 0x7fff);
  }
  // A head never holds still: the last bits of every float change, so that a codec that sends changes has some to send.
  if (protocol != Protocol::copresence)
    for (size_t word = 12; word < pose.size(); word += 4) at[word] = uint8_t(sequence);
  if (protocol == Protocol::socketIo) {
    // A binary event is two frames: the placeholder and the bytes; one write takes both.
    static const char EVENT[] = "451-[\"pose\",{\"_placeholder\":true,\"num\":0}]";
    Bytes frames;
    appendFrame(frames, 1, reinterpret_cast<const uint8_t*>(EVENT), sizeof EVENT - 1, true);
    frames.insert(frames.end(), poseFrame.begin(), poseFrame.end());
    writeTo(client, frames.data(), frames.size());
  } else {
    writeTo(client, poseFrame.data(), poseFrame.size());
  }
  sent++;
}

void makePoseFrame() {
  Bytes prefix;
  if (protocol == Protocol::copresence) prefix = {2, uint8_t(pose.size())};
  if (protocol == Protocol::colyseus) prefix = {17, 0};
  appendFrameHeader(poseFrame, 2, prefix.size() + pose.size(), true);
  poseFrame.insert(poseFrame.end(), prefix.begin(), prefix.end());
  poseFrame.insert(poseFrame.end(), pose.begin(), pose.end());
}

// ── connecting ──────────────────────────────────────────────────────────────

Bytes fromHex(const std::string& text) {
  Bytes bytes;
  for (size_t at = 0; at + 1 < text.size(); at += 2) bytes.push_back(uint8_t(std::stoi(text.substr(at, 2), nullptr, 16)));
  return bytes;
}

void openClient(const std::string& path, const Bytes& hello) {
  auto client = std::make_unique<Client>();
  client->number = int(clients.size());
  client->newest.resize(size_t(members));
  client->told.resize(size_t(members));
  client->hello = hello;
  client->fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(uint16_t(port));
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  if (client->fd < 0 || connect(client->fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  prepareSocket(client->fd);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y29wcmVzZW5jZS1iZW5jaA==\r\n" +
                              (protocol == Protocol::copresence ? "Sec-WebSocket-Protocol: copresence.v1\r\n" : "") + "\r\n";
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = uint32_t(client->number);
  epoll_ctl(epollFd, EPOLL_CTL_ADD, client->fd, &event);
  // Spread over the period, as headsets are.
  due.emplace(nowNs() + periodNs * uint64_t((client->number * 61) % 97) / 97, client->number);
  clients.push_back(std::move(client));
  writeTo(*clients.back(), reinterpret_cast<const uint8_t*>(request.data()), request.size());
}

size_t upgrade(Client& client, const uint8_t* data, size_t size) {
  const uint8_t* end = static_cast<const uint8_t*>(memmem(data, size, "\r\n\r\n", 4));
  if (end == nullptr) return 0;
  if (size < 12 || std::memcmp(data + 9, "101", 3) != 0) {
    std::fprintf(stderr, "refused: %.*s\n", int(size), reinterpret_cast<const char*>(data));
    std::exit(1);
  }
  client.upgraded = true;
  if (protocol == Protocol::raw) becomeReady(client);
  if (protocol == Protocol::copresence) sendFrame(client, 2, client.hello.data(), client.hello.size());
  return size_t(end - data) + 4;
}

void onReadable(Client& client) {
  const bool open = client.read(buffer, [&](uint8_t* data, size_t size) {
    bytesIn += size;
    const uint64_t atNs = nowNs();
    const size_t used = client.upgraded ? 0 : upgrade(client, data, size);
    if (!client.upgraded) return used;
    return used + readFrames(data + used, size - used, [&](int opcode, const uint8_t* payload, size_t length) { takeFrame(client, opcode, payload, length, atNs); });
  });
  if (open) return;
  std::fprintf(stderr, "client %d lost its connection\n", client.number);
  std::exit(1);
}

// ── commands and reports ────────────────────────────────────────────────────

double percentileMs(double share) {
  const uint64_t wanted = uint64_t(double(delivered) * share);
  uint64_t seen = 0;
  for (int bin = 0; bin < BINS; bin++)
    if ((seen += bins[size_t(bin)]) > wanted) return (bin + 0.5) * BIN_US / 1000;
  return BINS * BIN_US / 1000.0;
}

void startMeasuring(uint64_t durationNs) {
  sent = skipped = delivered = repeated = strange = bytesIn = framesIn = longestLoopNs = 0;
  std::fill(bins.begin(), bins.end(), 0);
  measureFromNs = nowNs();
  measureUntilNs = measureFromNs + durationNs;
  cpuFromNs = cpuNs();
  isMeasuring = true;
}

void report(uint64_t atNs) {
  isMeasuring = false;
  const double seconds = double(atNs - measureFromNs) / 1e9;
  std::printf(
      "{\"clients\":%zu,\"seconds\":%.4f,\"sent\":%llu,\"skipped\":%llu,\"delivered\":%llu,\"repeated\":%llu,\"strange\":%llu,\"bytesIn\":%llu,\"framesIn\":%llu,"
      "\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"p999Ms\":%.3f,\"generatorCpu\":%.4f,\"generatorLongestMs\":%.3f}\n",
      clients.size(), seconds, (unsigned long long)sent, (unsigned long long)skipped, (unsigned long long)delivered, (unsigned long long)repeated, (unsigned long long)strange,
      (unsigned long long)bytesIn, (unsigned long long)framesIn, percentileMs(0.5), percentileMs(0.99), percentileMs(0.999), double(cpuNs() - cpuFromNs) / 1e9 / seconds, double(longestLoopNs) / 1e6);
  std::fflush(stdout);
}

void command(const std::string& line) {
  std::istringstream words(line);
  std::string verb, path, hex;
  words >> verb;
  if (verb == "client") {
    words >> path >> hex;
    openClient(path, hex == "-" ? Bytes{} : fromHex(hex));
  } else if (verb == "sync") {
    waitingFor = int(clients.size());
  } else if (verb == "active") {
    words >> activeCount;
  } else if (verb == "measure") {
    double milliseconds = 0;
    words >> milliseconds;
    startMeasuring(uint64_t(milliseconds * 1e6));
  }
}

void readCommands() {
  static std::string pending;
  char text[65536];
  const ssize_t got = ::read(0, text, sizeof text);
  if (got == 0) std::exit(0);
  if (got > 0) pending.append(text, size_t(got));
  for (size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) command(pending.substr(0, end));
}

void sendDue(uint64_t atNs) {
  while (!due.empty() && due.top().first <= atNs) {
    const auto [dueNs, number] = due.top();
    due.pop();
    Client& client = *clients[size_t(number)];
    if (client.ready && number < activeCount) sendPose(client, atNs);
    due.emplace(dueNs + periodNs * ((atNs - dueNs) / periodNs + 1), number);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return std::fprintf(stderr, "generator <port> <protocol> <pose Hz> <members a session> <hex of the pose>\n"), 2;
  port = std::atoi(argv[1]);
  const std::string name = argv[2];
  protocol = name == "copresence" ? Protocol::copresence : name == "socket.io" ? Protocol::socketIo : name == "colyseus" ? Protocol::colyseus : Protocol::raw;
  periodNs = uint64_t(1e9 / std::atof(argv[3]));
  members = std::atoi(argv[4]);
  pose = fromHex(argv[5]);
  makePoseFrame();
  epollFd = epoll_create1(0);
  epoll_event standardInput{};
  standardInput.events = EPOLLIN;
  standardInput.data.u32 = UINT32_MAX;
  fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
  if (epoll_ctl(epollFd, EPOLL_CTL_ADD, 0, &standardInput) != 0) fail("standard input must be a pipe");
  std::vector<epoll_event> events(4096);
  for (uint64_t before = nowNs();;) {
    const int count = epoll_wait(epollFd, events.data(), int(events.size()), 1);
    for (int i = 0; i < count; i++) {
      if (events[size_t(i)].data.u32 == UINT32_MAX) readCommands();
      else onReadable(*clients[events[size_t(i)].data.u32]);
    }
    const uint64_t atNs = nowNs();
    if (isMeasuring && atNs - before > longestLoopNs) longestLoopNs = atNs - before;
    before = atNs;
    sendDue(atNs);
    flushBlocked();
    if (waitingFor >= 0 && readyCount >= waitingFor) {
      std::printf("{\"ready\":%d}\n", readyCount);
      std::fflush(stdout);
      waitingFor = -1;
    }
    if (isMeasuring && atNs >= measureUntilNs) report(atNs);
  }
}
