// A participant for tests: live <url> <token> <session> <name> <seconds>. Sends a head at 90 Hz and a line of chat, and prints what it hears as JSON lines.
#include <copresence/avatar.hpp>
#include <copresence/client.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>

using namespace copresence;

namespace {

const char* nameOf(State state) {
  switch (state) {
    case State::connecting: return "connecting";
    case State::joining: return "joining";
    case State::live: return "live";
    case State::reconnecting: return "reconnecting";
    case State::ended: return "ended";
  }
  return "";
}

void print(const nlohmann::json& line) { std::cout << line.dump() << std::endl; }

}  // namespace

int main(int count, char** arguments) {
  if (count < 6) return 2;
  asio::io_context io;
  Client client(io, {arguments[1], arguments[2], arguments[3], arguments[4]});
  std::map<int, AvatarBuffer> avatars;
  std::map<int, int> poses;
  std::map<int, double> ages;
  bool spoken = false;
  client.onState = [&](State state, const std::string& code) {
    print({{"state", nameOf(state)}, {"code", code}, {"slot", client.slot()}});
    if (state == State::live && !spoken) spoken = client.say(std::string("I am ") + arguments[4]);
  };
  client.onParticipant = [](const Participant& participant) { print({{"participant", participant.name}, {"slot", participant.slot}, {"live", participant.live}}); };
  client.onChat = [](const nlohmann::json& chat) { print({{"chat", chat["text"]}, {"slot", chat["slot"]}}); };
  client.onResult = [](const nlohmann::json& result) { print({{"result", result["value"]["task"]}, {"slot", result["slot"]}}); };
  client.onRefused = [](const nlohmann::json& error) { print({{"refused", error["code"]}, {"about", error["about"]}}); };
  client.onPose = [&](const PoseEvent& event) {
    avatars[event.slot].add(event.sample);
    ages[event.slot] = client.serverNowMs() - event.sample.captureMs;
    if (++poses[event.slot] % 50 != 1) return;
    PoseSample drawn;
    const AvatarSource source = avatars[event.slot].at(client.serverNowMs() - 50, drawn);
    print({{"pose", event.slot}, {"x", drawn.head.x}, {"y", drawn.head.y}, {"source", static_cast<int>(source)}, {"ageMs", ages[event.slot]}, {"hands", (event.sample.valid & (LEFT_HAND | RIGHT_HAND)) != 0}});
  };
  asio::steady_timer frame(io);
  const double startMs = Client::nowMs(), untilMs = startMs + 1000 * std::stod(arguments[5]);
  double dueMs = startMs;
  std::function<void()> send = [&] {
    if (client.state() == State::ended) return;
    const double nowMs = Client::nowMs();
    if (nowMs > untilMs) {
      client.close();
      return;
    }
    PoseSample sample;
    sample.captureMs = nowMs;
    sample.valid = sample.tracked = HEAD | LEFT_HAND;
    sample.head = {static_cast<float>(std::sin(nowMs / 1000)), 1.6f, 0, 0, 0, 0, 1};
    for (std::size_t joint = 0; joint < HAND_JOINTS; joint++) sample.leftHand[joint] = {-0.2f, 1.2f, -0.3f - 0.005f * static_cast<float>(joint % 5), 0, 0, 0, 1};
    client.sendPose(sample);
    dueMs = std::max(dueMs + 1000 / 90.0, nowMs);
    frame.expires_after(std::chrono::microseconds(static_cast<long long>(1000 * (dueMs - nowMs))));
    frame.async_wait([&](const auto& error) { if (!error) send(); });
  };
  client.connect();
  send();
  io.run();
}
