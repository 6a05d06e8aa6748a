// SPDX-License-Identifier: Apache-2.0
#include "tools/api/sse.h"

#include <utility>

namespace tallywire {

void SseReader::Read(std::string_view bytes, std::vector<SseEvent>* events) {
  rest_.append(bytes);
  size_t begin = 0;
  while (true) {
    const size_t end = rest_.find('\n', begin);
    if (end == std::string::npos) break;
    std::string_view line(rest_.data() + begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    Line(line, events);
    begin = end + 1;
  }
  rest_.erase(0, begin);
}

void SseReader::Line(std::string_view line, std::vector<SseEvent>* events) {
  if (line.empty()) {
    if (has_data_) events->push_back(std::move(event_));
    event_ = SseEvent();
    has_data_ = false;
    return;
  }
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (name == "data") {
    if (std::exchange(has_data_, true)) event_.data.push_back('\n');
    event_.data.append(value);
  } else if (name == "id") {
    event_.id = std::string(value);
  } else if (name == "event") {
    event_.type = std::string(value);
  }
}

}  // namespace tallywire
