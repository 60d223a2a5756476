// How long a pose takes from one client through the server to another.
#pragma once

#include <algorithm>
#include <copresence/client.hpp>
#include <iostream>

// The number of a pose travels as its x in millimetres, which the wire keeps exactly.
inline int measureRoundTrip(const std::string& url, const std::string& token, const std::string& session, double rateHz, double seconds) {
  using copresence::Client;
  constexpr int NUMBERS = 60000;
  asio::io_context io;
  Client sender(io, {url, token, session, "Sender"}), receiver(io, {url, token, session, "Receiver"});
  std::vector<double> sentMs(NUMBERS, -1), tookMs;
  receiver.onPose = [&](const copresence::PoseEvent& event) {
    double& sent = sentMs[static_cast<std::size_t>(std::lround(event.sample.head.x * 1000) + NUMBERS / 2) % NUMBERS];
    if (sent >= 0) tookMs.push_back(Client::nowMs() - sent);
    sent = -1;
  };
  asio::steady_timer timer(io);
  copresence::PoseSample sample;
  sample.valid = sample.tracked = copresence::HEAD;
  int number = 0;
  double dueMs = 0, endMs = 0;
  std::function<void()> step = [&] {
    const bool isLive = sender.state() == copresence::State::live && receiver.state() == copresence::State::live;
    const double nowMs = Client::nowMs();
    if (isLive && endMs == 0) endMs = nowMs + 1000 * seconds, dueMs = nowMs;
    if (isLive && nowMs < endMs) {
      sample.captureMs = sentMs[static_cast<std::size_t>(number)] = nowMs;
      sample.head.x = static_cast<float>((number - NUMBERS / 2) / 1000.0);
      number = (number + 1) % NUMBERS;
      sender.sendPose(sample);
    }
    // Half a second more for the last ones.
    if ((endMs > 0 && nowMs > endMs + 500) || sender.state() == copresence::State::ended || receiver.state() == copresence::State::ended) return io.stop();
    dueMs = std::max(dueMs + 1000 / rateHz, nowMs);
    timer.expires_after(std::chrono::microseconds(static_cast<long long>(1000 * (dueMs - nowMs))));
    timer.async_wait([&](const auto& error) { if (!error) step(); });
  };
  sender.connect(), receiver.connect();
  step();
  io.run();
  std::sort(tookMs.begin(), tookMs.end());
  const auto at = [&](double share) { return tookMs.empty() ? 0 : tookMs[static_cast<std::size_t>(share * static_cast<double>(tookMs.size() - 1))]; };
  std::cout << nlohmann::json({{"seen", tookMs.size()}, {"p50Ms", at(0.5)}, {"p99Ms", at(0.99)}}).dump() << std::endl;
  return tookMs.empty() ? 1 : 0;
}
