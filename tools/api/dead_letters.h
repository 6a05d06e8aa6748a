// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_DEAD_LETTERS_H_
#define TALLYWIRE_TOOLS_API_DEAD_LETTERS_H_

// The dead letters of a ledger: lists and finds them, and redrives them.
//
// A letter is redriven in two steps: the record is appended to stock.events, then the letter is
// marked in its own topic. Whoever dies in between, or races another, appends it again the next
// time; the projector knows the event by its identity and drops it. So nothing counts twice, and a
// letter that is marked is left alone for ever.
//
// Threads: any. One redrive that executes at a time in a process; others wait.

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/appender.h"
#include "ledger/log.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/dead_letter.h"
#include "tools/api/parameters.h"
#include "tools/api/redrive.h"
#include "tools/api/topic_pages.h"

namespace tallywire {

class DeadLetters {
 public:
  // Letters named in one request, and replacements.
  static constexpr size_t kMaxNamed = 10'000;

  struct Options {
    // One page of a redrive ends when it has this.
    size_t page_letters = 1'000;
    size_t page_bytes = 8 << 20;
    // One page of a list has looked at no more records than this.
    size_t list_records = 100'000;
  };

  // Both must outlive it.
  DeadLetters(Log* log, Appender* appender, Options options);
  DeadLetters(Log* log, Appender* appender);

  // reason=, source=, since=, until=, page_token=, limit=.
  absl::Status List(const Parameters& parameters, v1::ListDeadLettersResponse* out);

  // NOT_FOUND.
  absl::Status Get(LetterPlace place, v1::DeadLetter* out);

  // One page. INVALID_ARGUMENT: what was asked makes no sense, or a replacement fits nothing;
  // NOT_FOUND: a letter that was named is not there. Neither has appended anything. After any other
  // error ask the same again: what was marked is left alone.
  absl::Status Redrive(const v1::RedriveDeadLettersRequest& request,
                       v1::RedriveDeadLettersResponse* out);

 private:
  struct Choice;
  struct Page;

  TopicPages Pages() const;
  // Reads the marks that have come since.
  absl::Status ReadMarks();
  std::optional<LetterPlace> RedrivenTo(LetterPlace place);
  // Every chosen letter from `position` up to `end`, until `on_letter` returns false. True: there
  // may be more.
  absl::StatusOr<bool> ForEach(const Choice& choice, TopicPages::Position* position,
                               const TopicPages::Position& end,
                               const std::function<bool(Letter letter)>& on_letter);
  absl::Status CheckNamed(const Choice& choice, const TopicPages::Position& start,
                          const TopicPages::Position& end, Replacements* replacements);
  absl::Status ReadPage(const Choice& choice, const Replacements& replacements, Page* page,
                        v1::RedriveDeadLettersResponse* out);
  absl::Status Execute(const Page& page, v1::RedriveDeadLettersResponse* out);

  Log* const log_;
  Appender* const appender_;
  const Options options_;

  std::mutex execute_mu_;  // held while a page is read, appended and marked

  std::mutex marks_mu_;
  // Guarded by marks_mu_: the first mark of each letter up to `marks_read_`.
  std::map<LetterPlace, LetterPlace> marks_;
  TopicPages::Position marks_read_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_DEAD_LETTERS_H_
