// From nothing to two avatars that see each other: two-avatars ws://127.0.0.1:7300 <token>
#include <copresence/client.hpp>
#include <iostream>

int main(int, char** arguments) {
  asio::io_context io;
  copresence::Client ada(io, {arguments[1], arguments[2], "lobby", "Ada"}), bob(io, {arguments[1], arguments[2], "lobby", "Bob"});
  bob.onPose = [&](const copresence::PoseEvent& event) {
    std::cout << bob.participants().at(event.slot).name << " is at " << event.sample.head.x << ", " << event.sample.head.y << ", " << event.sample.head.z << std::endl;
    io.stop();
  };
  ada.onState = [&](copresence::State state, const std::string&) {
    if (state != copresence::State::live) return;
    copresence::PoseSample sample;
    sample.captureMs = copresence::Client::nowMs();
    sample.valid = sample.tracked = copresence::HEAD;
    sample.head.y = 1.6f;
    ada.sendPose(sample);
  };
  ada.connect(), bob.connect();
  io.run();
}
