// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_SSE_H_
#define TALLYWIRE_TOOLS_API_SSE_H_

// Server-sent events as a client reads them, from bytes that come in pieces of any size.
//
// Thread-compatible.

#include <string>
#include <string_view>
#include <vector>

namespace tallywire {

struct SseEvent {
  std::string type;  // empty: message
  std::string id;
  std::string data;
};

class SseReader {
 public:
  // Takes the next bytes; appends the events that are whole now. Comments make none.
  void Read(std::string_view bytes, std::vector<SseEvent>* events);

 private:
  void Line(std::string_view line, std::vector<SseEvent>* events);

  std::string rest_;
  SseEvent event_;
  bool has_data_ = false;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_SSE_H_
