// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_FAKE_API_H_
#define TALLYWIRE_TOOLS_API_FAKE_API_H_

// An Api for tests of the HTTP ends: remembers what it was asked, answers as it is told, and has
// alerts numbered from 0 to follow.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tallywire/v1/api.pb.h"
#include "tools/api/api.h"

namespace tallywire {

class FakeApi : public Api {
 public:
  struct Asked {
    std::string method;
    std::vector<std::string> path;
    std::vector<std::pair<std::string, std::string>> query;
    std::string body;  // text format
  };

  absl::Status Call(const ApiRequest& request, google::protobuf::Message* out) override {
    std::function<absl::Status(const ApiRequest&, google::protobuf::Message*)> answer;
    {
      std::lock_guard lock(mu_);
      asked_.push_back({request.method, request.path, request.query,
                        request.body != nullptr ? request.body->ShortDebugString() : ""});
      answer = answer_;
    }
    return answer ? answer(request, out) : absl::OkStatus();
  }

  absl::Status Follow(const ApiRequest& request, google::protobuf::Message* item,
                      const std::function<bool(const std::string& token)>& on_item,
                      const std::function<bool()>& stop) override {
    size_t at = 0;
    for (const auto& [name, value] : request.query) {
      if (name != "from") continue;
      if (value == "end") {
        at = Alerts();
      } else if (value != "start") {
        if (value.find_first_not_of("0123456789") != std::string::npos) {
          return absl::InvalidArgumentError("from: " + value + " is not a token");
        }
        at = std::stoul(value);
      }
    }
    while (true) {
      for (; at < Alerts(); ++at) {
        auto* alert = static_cast<v1::Alert*>(item);
        alert->Clear();
        alert->set_text("alert " + std::to_string(at) + "\nsecond line");
        if (!on_item(std::to_string(at + 1))) return absl::OkStatus();
      }
      if (stop()) return absl::OkStatus();
      {
        std::lock_guard lock(mu_);
        if (!follow_status_.ok()) return follow_status_;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  void AnswerWith(std::function<absl::Status(const ApiRequest&, google::protobuf::Message*)> f) {
    std::lock_guard lock(mu_);
    answer_ = std::move(f);
  }
  void AddAlerts(size_t n) {
    std::lock_guard lock(mu_);
    alerts_ += n;
  }
  void EndFollowsWith(absl::Status status) {
    std::lock_guard lock(mu_);
    follow_status_ = std::move(status);
  }
  size_t Alerts() {
    std::lock_guard lock(mu_);
    return alerts_;
  }
  std::vector<Asked> asked() {
    std::lock_guard lock(mu_);
    return asked_;
  }

 private:
  std::mutex mu_;
  std::vector<Asked> asked_;
  std::function<absl::Status(const ApiRequest&, google::protobuf::Message*)> answer_;
  size_t alerts_ = 0;
  absl::Status follow_status_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_FAKE_API_H_
