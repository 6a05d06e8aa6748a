// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_RAW_SOCKET_H_
#define TALLYWIRE_TOOLS_API_RAW_SOCKET_H_

// A bare TCP client for tests: says to a server what no well-behaved client would.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

namespace tallywire {

class RawSocket {
 public:
  // `address` is 127.0.0.1:PORT.
  explicit RawSocket(const std::string& address) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + address.rfind(':') + 1)));
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawSocket() { close(fd_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool connected() const { return connected_; }

  // False: the other side does not take it any more.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // What comes until `end` has been seen, the connection ends, or the time is over.
  std::string ReadUntil(std::string_view end, int milliseconds = 5'000) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    std::string got;
    while (end.empty() || got.find(end) == std::string::npos) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      pollfd waits{fd_, POLLIN, 0};
      if (left.count() <= 0 || poll(&waits, 1, static_cast<int>(left.count())) <= 0) break;
      char buffer[4096];
      const ssize_t read = recv(fd_, buffer, sizeof buffer, 0);
      if (read <= 0) {
        ended_ = true;
        break;
      }
      got.append(buffer, static_cast<size_t>(read));
    }
    return got;
  }
  std::string ReadAll(int milliseconds = 5'000) { return ReadUntil("", milliseconds); }

  // The other side has closed the connection.
  bool ended() const { return ended_; }

 private:
  const int fd_;
  bool connected_ = false;
  bool ended_ = false;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_RAW_SOCKET_H_
