// The bare server of the fan-out benchmark: WebSocket frames on one epoll loop, no validation, no protocol. It shows what
// the machine's system calls allow on one core.
//
// epoll-server <relay | ticks a second | sink>: prints its port; the path /<n> joins session n.
// relay: what one turn of the loop has read is sent at its end, one write for each receiver. Ticks: the newest pose of
// each member that sent one, joined once for each session. sink: nothing is sent.
#include "wire.hpp"

#include <map>
#include <memory>

namespace {

constexpr size_t POSE_BYTES = 100;
constexpr size_t MOST_WAITING = 64 * 1024;

struct Session;

struct Member : Link {
  Session* session = nullptr;
  uint8_t newest[POSE_BYTES];
  bool changed = false;
};

struct Session {
  std::vector<Member*> members;
  Bytes poses;
  // Whose each pose is, so that nobody gets their own back.
  std::vector<Member*> senders;
};

int epollFd;
bool isRelay, isSink;
std::map<std::string, std::unique_ptr<Session>> sessions;
std::vector<Session*> changed;
Bytes buffer(1 << 16);

size_t accept(Member& member, const uint8_t* data, size_t size) {
  const uint8_t* end = static_cast<const uint8_t*>(memmem(data, size, "\r\n\r\n", 4));
  if (end == nullptr) return 0;
  const char* path = reinterpret_cast<const char*>(data) + 4;
  const std::string name(path, std::strcspn(path, " "));
  auto& session = sessions[name];
  if (!session) session = std::make_unique<Session>();
  member.session = session.get();
  session->members.push_back(&member);
  // Its only client does not check the key's digest.
  static const char ANSWER[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  member.write(reinterpret_cast<const uint8_t*>(ANSWER), sizeof ANSWER - 1);
  return size_t(end - data) + 4;
}

void take(Member& member, const uint8_t* payload, size_t size) {
  if (size != POSE_BYTES || isSink) return;
  Session& session = *member.session;
  if (isRelay) {
    if (session.senders.empty()) changed.push_back(&session);
    session.senders.push_back(&member);
    session.poses.insert(session.poses.end(), payload, payload + size);
  } else {
    std::memcpy(member.newest, payload, size);
    member.changed = true;
  }
}

// One frame with every pose that is not the receiver's own.
void relay(Session& session) {
  Bytes frame;
  for (Member* member : session.members) {
    size_t own = 0;
    for (Member* sender : session.senders) own += sender == member;
    const size_t size = session.poses.size() - own * POSE_BYTES;
    if (size == 0 || member->out.size() - member->outAt > MOST_WAITING) continue;
    frame.clear();
    appendFrameHeader(frame, 2, size, false);
    for (size_t i = 0; i < session.senders.size(); i++)
      if (session.senders[i] != member) frame.insert(frame.end(), session.poses.begin() + long(i * POSE_BYTES), session.poses.begin() + long((i + 1) * POSE_BYTES));
    member->write(frame.data(), frame.size());
  }
  session.senders.clear();
  session.poses.clear();
}

void tick(Session& session) {
  size_t count = 0;
  for (Member* member : session.members) count += member->changed;
  if (count == 0) return;
  Bytes frame;
  appendFrameHeader(frame, 2, count * POSE_BYTES, false);
  for (Member* member : session.members) {
    if (member->changed) frame.insert(frame.end(), member->newest, member->newest + POSE_BYTES);
    member->changed = false;
  }
  for (Member* member : session.members)
    if (member->out.size() - member->outAt <= MOST_WAITING) member->write(frame.data(), frame.size());
}

void onReadable(Member& member) {
  const bool open = member.read(buffer, [&](uint8_t* data, size_t size) {
    const size_t used = member.session ? 0 : accept(member, data, size);
    if (!member.session) return used;
    return used + readFrames(data + used, size - used, [&](int, const uint8_t* payload, size_t length) { take(member, payload, length); });
  });
  if (open) return;
  if (member.session)
    for (size_t i = 0; i < member.session->members.size(); i++)
      if (member.session->members[i] == &member) member.session->members.erase(member.session->members.begin() + long(i--));
  close(member.fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "epoll-server <relay | ticks a second | sink>\n"), 2;
  isSink = std::strcmp(argv[1], "sink") == 0;
  isRelay = isSink || std::strcmp(argv[1], "relay") == 0;
  const uint64_t periodNs = isRelay ? 0 : uint64_t(1e9 / std::atof(argv[1]));
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener, 1024) != 0) fail("listen");
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("{\"port\":%d}\n", ntohs(address.sin_port));
  std::fflush(stdout);
  epollFd = epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  epoll_ctl(epollFd, EPOLL_CTL_ADD, listener, &event);
  std::vector<epoll_event> events(1024);
  std::vector<std::unique_ptr<Member>> members;
  for (uint64_t dueNs = nowNs() + periodNs;;) {
    const uint64_t beforeNs = nowNs();
    const int wait = isRelay ? -1 : dueNs <= beforeNs ? 0 : int((dueNs - beforeNs) / 1000000) + 1;
    const int count = epoll_wait(epollFd, events.data(), int(events.size()), wait);
    for (int i = 0; i < count; i++) {
      Member* member = static_cast<Member*>(events[size_t(i)].data.ptr);
      if (member != nullptr) {
        if (events[size_t(i)].events & EPOLLOUT) member->flush();
        if (events[size_t(i)].events & EPOLLIN) onReadable(*member);
        continue;
      }
      members.push_back(std::make_unique<Member>());
      members.back()->fd = ::accept(listener, nullptr, nullptr);
      prepareSocket(members.back()->fd);
      event.events = EPOLLIN;
      event.data.ptr = members.back().get();
      epoll_ctl(epollFd, EPOLL_CTL_ADD, members.back()->fd, &event);
    }
    for (Session* session : changed) relay(*session);
    changed.clear();
    for (auto& member : members)
      if (member->isBlocked()) member->flush();
    const uint64_t atNs = nowNs();
    if (isRelay || atNs < dueNs) continue;
    for (auto& [_, session] : sessions) tick(*session);
    dueNs += periodNs * ((atNs - dueNs) / periodNs + 1);
  }
}
