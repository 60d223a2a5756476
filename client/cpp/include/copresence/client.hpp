// A client of a Copresence server for native engines: joins a session, sends poses and chat, hears everybody's, and comes back by itself.
//
// C++17 over websocketpp, asio (define ASIO_STANDALONE, or use Boost's) and nlohmann/json. Everything happens on the thread that runs the
// io_context, so an engine may run it in its own loop with `poll`. Callbacks come on that thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>

#include "codec.hpp"
#include "message-guard.hpp"
#include "snapshots.hpp"

namespace copresence {

struct ClientOptions {
  // Such as ws://127.0.0.1:7300; TLS is the job of a proxy beside the engine, or of a config with TLS.
  std::string url;
  std::string token, session, name;
  bool inference = true, recording = false, training = false;
  // Asks for snapshots as what differs from earlier ones: the same samples in a fraction of the bytes.
  bool deltas = true;
};

// `reconnecting`: the connection is gone, and the participant's place is kept for a while. `ended`: for good, with the reason.
enum class State { connecting, joining, live, reconnecting, ended };

struct Participant {
  int slot = 0;
  std::string id, name, role;
  bool live = true;
};

// A participant's pose as it came. The sample is on the server's clock, and is borrowed for the call.
struct PoseEvent {
  int slot;
  const PoseSample& sample;
  // The snapshot holds everybody, also who has not moved.
  bool key;
  // How often the server sends this participant at most, in milliseconds; 0 where ticks have no rate.
  double periodMs;
};

class Client {
 public:
  using Json = nlohmann::json;

  // `code` is that of an error of the specification, or empty.
  std::function<void(State state, const std::string& code)> onState;
  std::function<void(const PoseEvent&)> onPose;
  std::function<void(const Participant&)> onParticipant;
  // A result, a line of chat, a refusal of something that was sent: the fields of docs/spec.md.
  std::function<void(const Json&)> onResult, onChat, onRefused;

  Client(websocketpp::lib::asio::io_context& io, ClientOptions options) : io_(io), options_(std::move(options)), timer_(io), clockTimer_(io), silence_(io), random_(std::random_device{}()) {
    socket_.clear_access_channels(websocketpp::log::alevel::all);
    socket_.clear_error_channels(websocketpp::log::elevel::all);
    socket_.init_asio(&io_);
    socket_.set_max_message_size(PACKET_BYTES);
    // A connection may outlive its client for as long as the io_context has something of it to do.
    const auto isMine = [this, alive = std::weak_ptr<int>(alive_)](Handle handle) { return !alive.expired() && isCurrent(handle); };
    // A pose that waits for the receipt of the one before comes a tick late.
    socket_.set_tcp_post_init_handler([this, isMine](Handle handle) {
      websocketpp::lib::error_code error;
      const auto connection = isMine(handle) ? socket_.get_con_from_hdl(handle, error) : nullptr;
      if (connection) connection->get_raw_socket().set_option(websocketpp::lib::asio::ip::tcp::no_delay(true), error);
    });
    socket_.set_open_handler([this, isMine](Handle handle) { if (isMine(handle)) greet(); });
    socket_.set_fail_handler([this, isMine](Handle handle) { if (isMine(handle)) lost("CONNECTION_LOST", "reconnect", 0); });
    socket_.set_close_handler([this, isMine](Handle handle) {
      if (isMine(handle)) lost(closing_.code.empty() ? "CONNECTION_LOST" : closing_.code, closing_.retry.empty() ? "reconnect" : closing_.retry, closing_.retryAfterMs);
    });
    socket_.set_message_handler([this, isMine](Handle handle, Socket::message_ptr message) { if (isMine(handle)) receive(message->get_payload()); });
  }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  void connect() { open(); }

  // Leaves for good; nobody keeps the place.
  void close() {
    if (state_ == State::ended) return;
    if (state_ == State::live) sendControl({{"type", "leave"}});
    end("");
  }

  State state() const { return state_; }
  int slot() const { return slot_; }
  const std::map<int, Participant>& participants() const { return participants_; }

  // Milliseconds on this device's clock, for captureMs of what is sent.
  static double nowMs() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
  // The same moment on the server's clock, wrong by at most half the shortest round trip.
  double serverNowMs() const { return nowMs() + offsetMs_; }
  double rttMs() const { return rttMs_; }
  // How long before the server's time to draw a participant: two of the periods in which they come, and what links usually add. A far one comes rarely.
  double drawDelayMs(int slot) const { return std::max(50.0, 20 + 2 * snapshots_.periodMs(slot)); }

  // Sends a sample whose captureMs is on this device's clock. @return none when it left, or why it cannot be sent; not being live counts as none and sends nothing.
  Error sendPose(const PoseSample& sample) {
    std::uint8_t bytes[MAX_SAMPLE_BYTES];
    std::size_t size = 0;
    if (const Error error = encodePoseSample(sample, bytes, size); error != Error::none) return error;
    // Poses that cannot leave are worth nothing when they can: the next one is newer.
    if (state_ == State::live && buffered() < MAX_BUFFERED_BYTES) send(POSE_SAMPLE, bytes, size);
    return Error::none;
  }

  // Changes the consent that was given on joining, at once, and for when it has to join anew [CON1]. @return whether it was sent.
  bool setConsent(bool inference, bool recording, bool training) {
    options_.inference = inference, options_.recording = recording, options_.training = training;
    if (state_ != State::live) return false;
    sendControl({{"type", "consent"}, {"consent", consent()}});
    return true;
  }

  // At most 500 UTF-16 code units. @return whether it was sent.
  bool say(const std::string& text) {
    if (state_ != State::live) return false;
    sendControl({{"type", "say"}, {"text", text}, {"captureMs", nowMs()}});
    return true;
  }

 private:
  using Socket = websocketpp::client<websocketpp::config::asio_client>;
  using Handle = websocketpp::connection_hdl;
  static constexpr std::size_t MAX_BUFFERED_BYTES = 65536;
  static constexpr double HEARTBEAT_TIMEOUT_MS = 10000, CLOCK_MS = 1e14;

  // A message of the server that is none of the specification's.
  struct Malformed {};

  struct Closing {
    std::string code, retry;
    double retryAfterMs = 0;
  };
  struct Exchange {
    double offsetMs, rttMs;
  };
  Json consent() const { return {{"inference", options_.inference}, {"recording", options_.recording}, {"training", options_.training}}; }

  bool isCurrent(Handle handle) const { return !handle_.owner_before(handle) && !handle.owner_before(handle_); }

  void open() {
    change(attempt_ == 0 && resumeToken_.empty() ? State::connecting : State::reconnecting, "");
    if (state_ == State::ended) return;
    closing_ = {};
    exchanges_.clear();
    websocketpp::lib::error_code error;
    const auto connection = socket_.get_connection(options_.url + "/v1/connect", error);
    if (error) return end("CONNECTION_LOST");
    connection->add_subprotocol("copresence.v1");
    handle_ = connection->get_handle();
    socket_.connect(connection);
  }

  void greet() {
    if (state_ != State::reconnecting) change(State::joining, "");
    heardMs_ = nowMs();
    watchSilence();
    Json capabilities = Json::array({"pose", "dynamic-gestures"});
    if (options_.deltas) capabilities.push_back("delta");
    sendControl({{"type", "hello"}, {"version", 1}, {"oldestVersion", 1}, {"capabilities", capabilities}, {"token", options_.token}, {"deviceMs", nowMs()}, {"client", "copresence-cpp/1"}});
    if (!resumeToken_.empty()) return sendControl({{"type", "resume"}, {"resumeToken", std::exchange(resumeToken_, {})}});
    sendControl({{"type", "join"}, {"session", options_.session}, {"name", options_.name}, {"consent", consent()}});
  }

  void receive(const std::string& packet) {
    heardMs_ = nowMs();
    const Error error = readPacket(reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size(), [this](std::uint8_t kind, const std::uint8_t* payload, std::size_t length) {
      if (state_ == State::ended) return;
      if (kind == SNAPSHOT || kind == DELTA_SNAPSHOT) takeSnapshot(kind, payload, length);
      // Kinds that it does not know are skipped [PKT5].
      else if (kind == CONTROL) takeControl(payload, length);
    });
    if (error != Error::none) closeSocket();
  }

  void takeSnapshot(std::uint8_t kind, const std::uint8_t* payload, std::size_t length) {
    const auto answer = snapshots_.take(kind, payload, length, serverNowMs(), nowMs(), [&](int slot, const PoseSample& sample, bool key) {
      if (slot != slot_ && onPose) onPose({slot, sample, key, snapshots_.periodMs(slot)});
    });
    if (answer.askAnew) sendControl({{"type", "snapshots"}});
    if (answer.acknowledge) send(ACKNOWLEDGEMENT, answer.acknowledgement, ACKNOWLEDGEMENT_BYTES);
  }

  void takeControl(const std::uint8_t* payload, std::size_t length) {
    if (!isBoundedMessage(payload, length)) return;
    const Json message = Json::from_msgpack(payload, payload + length, true, false);
    // What a server of a later version says in another way is none of this client's business.
    if (!message.is_object() || !message.contains("type") || !message["type"].is_string()) return;
    try {
      take(message["type"].get<std::string>(), message);
    } catch (const Json::exception&) {
      closeSocket();
    } catch (const Malformed&) {
      closeSocket();
    }
  }

  // A time that is far from any clock's [TIM1] would stay in what is reckoned with it.
  static double timeOf(const Json& message, const char* field) {
    const double timeMs = message.at(field);
    if (!(std::fabs(timeMs) <= CLOCK_MS)) throw Malformed();
    return timeMs;
  }

  void take(const std::string& type, const Json& message) {
    if (type == "ping") sendControl({{"type", "pong"}, {"serverMs", message.at("serverMs")}, {"deviceMs", nowMs()}});
    else if (type == "welcome") {
      offsetMs_ = timeOf(message, "serverMs") - nowMs();
      askForTime();
    } else if (type == "clock-reply") takeTime(message);
    else if (type == "joined") takeJoined(message);
    else if (type == "presence") takePresence(message);
    else if (type == "chat" && onChat) onChat(message);
    else if (type == "result" && onResult) onResult(message);
    else if (type == "error") takeError(message);
  }

  void takeJoined(const Json& message) {
    slot_ = message.at("slot");
    resumeToken_ = message.at("resumeToken");
    attempt_ = 0;
    snapshots_.restart(message.at("tickRateHz"));
    participants_.clear();
    for (const Json& info : message.at("participants")) participants_[info.at("slot")] = toParticipant(info);
    change(State::live, "");
    for (const auto& [slot, participant] : participants_) if (slot != slot_ && onParticipant) onParticipant(participant);
  }

  void takePresence(const Json& message) {
    Participant participant = toParticipant(message.at("participant"));
    if (message.at("event") == "left") {
      participant.live = false;
      participants_.erase(participant.slot);
      snapshots_.forget(participant.slot);
    } else participants_[participant.slot] = participant;
    if (onParticipant) onParticipant(participant);
  }

  static Participant toParticipant(const Json& info) { return {info.at("slot"), info.at("participantId"), info.at("name"), info.at("role"), info.at("presence") == "live"}; }

  void takeError(const Json& message) {
    if (message.at("closing").get<bool>()) closing_ = {message.at("code"), message.at("retry"), message.value("retryAfterMs", 0.0)};
    else if (onRefused) onRefused(message);
  }

  // Five times soon, then every two seconds; the shortest round trip of the last eight counts [TIM2].
  void askForTime() {
    sendControl({{"type", "clock"}, {"deviceMs", nowMs()}});
    clockTimer_.expires_after(std::chrono::milliseconds(exchanges_.size() < 5 ? 100 : 2000));
    clockTimer_.async_wait([this](const auto& error) { if (!error && state_ != State::ended) askForTime(); });
  }

  void takeTime(const Json& message) {
    const double t1 = timeOf(message, "deviceMs"), t2 = timeOf(message, "arrivedMs"), t3 = timeOf(message, "sentMs"), t4 = nowMs();
    const Exchange exchange{((t2 - t1) + (t3 - t4)) / 2, (t4 - t1) - (t3 - t2)};
    if (exchange.rttMs < 0 || t3 < t2) return;
    if (exchanges_.size() == 8) exchanges_.pop_front();
    exchanges_.push_back(exchange);
    const auto& best = *std::min_element(exchanges_.begin(), exchanges_.end(), [](const Exchange& a, const Exchange& b) { return a.rttMs < b.rttMs; });
    offsetMs_ = best.offsetMs;
    rttMs_ = best.rttMs;
  }

  // A network that is gone closes nothing.
  void watchSilence() {
    silence_.expires_after(std::chrono::seconds(1));
    silence_.async_wait([this](const auto& error) {
      if (error || state_ == State::ended) return;
      if (nowMs() - heardMs_ > HEARTBEAT_TIMEOUT_MS) return lost("CONNECTION_LOST", "reconnect", 0);
      watchSilence();
    });
  }

  // Half of a doubling wait plus chance, so that a server that starts again is not met by everybody at once.
  void lost(const std::string& code, const std::string& retry, double retryAfterMs) {
    closeSocket();
    handle_.reset();
    clockTimer_.cancel();
    silence_.cancel();
    if (state_ == State::ended) return;
    if (retry == "never") return end(code);
    if (code == "RESUME_REFUSED") resumeToken_.clear();
    const double wholeMs = std::min(8000.0, 250.0 * std::pow(2, attempt_++));
    const double waitMs = std::max(retryAfterMs, wholeMs / 2 + std::uniform_real_distribution<>(0, wholeMs / 2)(random_));
    change(State::reconnecting, code);
    timer_.expires_after(std::chrono::microseconds(static_cast<long long>(waitMs * 1000)));
    timer_.async_wait([this](const auto& error) { if (!error && state_ != State::ended) open(); });
  }

  void end(const std::string& code) {
    change(State::ended, code);
    closeSocket();
    timer_.cancel();
    clockTimer_.cancel();
    silence_.cancel();
  }

  void change(State state, const std::string& code) {
    if (state_ == State::ended || (state_ == state && started_)) return;
    started_ = true;
    state_ = state;
    if (onState) onState(state, code);
  }

  void sendControl(const Json& message) {
    const auto body = Json::to_msgpack(message);
    send(CONTROL, body.data(), body.size());
  }

  void send(std::uint8_t kind, const std::uint8_t* payload, std::size_t length) {
    packet_.clear();
    appendMessage(packet_, kind, payload, length);
    websocketpp::lib::error_code error;
    socket_.send(handle_, packet_.data(), packet_.size(), websocketpp::frame::opcode::binary, error);
  }

  std::size_t buffered() {
    websocketpp::lib::error_code error;
    const auto connection = socket_.get_con_from_hdl(handle_, error);
    return error || !connection ? MAX_BUFFERED_BYTES : connection->get_buffered_amount();
  }

  void closeSocket() {
    websocketpp::lib::error_code error;
    if (const auto connection = socket_.get_con_from_hdl(handle_, error); connection && !error) connection->close(websocketpp::close::status::normal, "", error);
  }

  std::shared_ptr<int> alive_ = std::make_shared<int>();
  websocketpp::lib::asio::io_context& io_;
  ClientOptions options_;
  Socket socket_;
  Handle handle_;
  websocketpp::lib::asio::steady_timer timer_, clockTimer_, silence_;
  std::mt19937 random_;
  State state_ = State::connecting;
  bool started_ = false;
  Closing closing_;
  std::string resumeToken_;
  int slot_ = -1, attempt_ = 0;
  double offsetMs_ = 0, rttMs_ = 0, heardMs_ = 0;
  std::deque<Exchange> exchanges_;
  std::map<int, Participant> participants_;
  SnapshotView snapshots_;
  std::vector<std::uint8_t> packet_;
};

}  // namespace copresence
