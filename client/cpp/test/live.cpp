// A participant for tests: live <url> <token> <session> <name>. Sends a head and a hand at 90 Hz and a line of chat, prints what it hears and draws
// as JSON lines, and does what it is told on standard input: `say <text>`, `consent on|off`, `stall <ms>`, `quit`; it ends when that ends.
// live round-trip <url> <token> <session> <rate> <seconds>: how long a pose takes from one client to another, both of this process.
#include <copresence/avatar.hpp>
#include <copresence/client.hpp>
#include <iostream>
#include <thread>

#include "round-trip.hpp"

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

const char* nameOf(AvatarSource source) {
  switch (source) {
    case AvatarSource::none: return "none";
    case AvatarSource::interpolated: return "interpolated";
    case AvatarSource::extrapolated: return "extrapolated";
    case AvatarSource::held: return "held";
  }
  return "";
}

void print(const nlohmann::json& line) { std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl; }

class Participation {
 public:
  Participation(asio::io_context& io, ClientOptions options) : name_(options.name), client_(io, std::move(options)), frame_(io), input_(io, dup(STDIN_FILENO)) {
    client_.onState = [this](State state, const std::string& code) {
      print({{"state", nameOf(state)}, {"code", code}, {"slot", client_.slot()}});
      if (state == State::live && !spoken_) spoken_ = client_.say("I am " + name_);
      if (state == State::ended) input_.close();
    };
    client_.onParticipant = [](const copresence::Participant& participant) { print({{"participant", participant.name}, {"slot", participant.slot}, {"live", participant.live}}); };
    client_.onChat = [](const nlohmann::json& chat) { print({{"chat", chat["text"]}, {"slot", chat["slot"]}}); };
    client_.onResult = [](const nlohmann::json& result) { print({{"result", result["value"]["task"]}, {"slot", result["slot"]}}); };
    client_.onRefused = [](const nlohmann::json& error) { print({{"refused", error["code"]}, {"about", error["about"]}}); };
    client_.onPose = [this](const PoseEvent& event) {
      avatars_[event.slot].add(event.sample);
      newestMs_[event.slot] = event.sample.captureMs;
    };
    own_.valid = own_.tracked = HEAD | LEFT_HAND;
    for (std::size_t joint = 0; joint < HAND_JOINTS; joint++) own_.leftHand[joint] = {-0.2f, 1.2f, -0.3f - 0.005f * static_cast<float>(joint % 5), 0, 0, 0, 1};
  }

  void start() {
    client_.connect();
    dueMs_ = Client::nowMs();
    draw();
    listen();
  }

 private:
  // Each ninth frame says what is drawn of everybody.
  void draw() {
    if (client_.state() == State::ended) return;
    own_.captureMs = Client::nowMs();
    own_.head = {static_cast<float>(std::sin(own_.captureMs / 1000)), 1.6f, 0, 0, 0, 0, 1};
    client_.sendPose(own_);
    if (++frames_ % 9 == 0) {
      for (const auto& [slot, avatar] : avatars_) {
        const AvatarSource source = avatar.at(client_.serverNowMs() - client_.drawDelayMs(slot), drawn_);
        print({{"avatar", slot}, {"y", drawn_.head.y}, {"source", nameOf(source)}, {"ageMs", client_.serverNowMs() - newestMs_[slot]}, {"hands", (drawn_.valid & (LEFT_HAND | RIGHT_HAND)) != 0}});
      }
    }
    dueMs_ = std::max(dueMs_ + 1000 / 90.0, Client::nowMs());
    frame_.expires_after(std::chrono::microseconds(static_cast<long long>(1000 * (dueMs_ - Client::nowMs()))));
    frame_.async_wait([this](const auto& error) { if (!error) draw(); });
  }

  void listen() {
    asio::async_read_until(input_, buffer_, '\n', [this](const auto& error, std::size_t) {
      if (error) return client_.close();
      std::string line;
      std::istream stream(&buffer_);
      std::getline(stream, line);
      obey(line);
      if (client_.state() != State::ended) listen();
    });
  }

  void obey(const std::string& line) {
    const auto space = line.find(' ');
    const std::string verb = line.substr(0, space), rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (verb == "say") client_.say(rest);
    else if (verb == "consent") client_.setConsent(rest == "on", false, false);
    else if (verb == "stall") std::this_thread::sleep_for(std::chrono::milliseconds(std::stoi(rest)));
    else if (verb == "quit") client_.close();
    print({{"done", line}});
  }

  std::string name_;
  Client client_;
  asio::steady_timer frame_;
  asio::posix::stream_descriptor input_;
  asio::streambuf buffer_;
  std::map<int, AvatarBuffer> avatars_;
  std::map<int, double> newestMs_;
  PoseSample own_, drawn_;
  double dueMs_ = 0;
  int frames_ = 0;
  bool spoken_ = false;
};

}  // namespace

int main(int count, char** arguments) {
  if (count == 7 && std::string(arguments[1]) == "round-trip") return measureRoundTrip(arguments[2], arguments[3], arguments[4], std::stod(arguments[5]), std::stod(arguments[6]));
  if (count != 5) return 2;
  asio::io_context io;
  Participation participation(io, {arguments[1], arguments[2], arguments[3], arguments[4]});
  participation.start();
  io.run();
}
