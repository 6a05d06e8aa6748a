// SPDX-License-Identifier: Apache-2.0
#include "tools/api/dead_letters.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/refused.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tools/api/problem.h"

namespace tallywire {
namespace {

constexpr char kTokenMark = 'd';
// Between where a page begins and where all of them end.
constexpr char kEndMark = '-';

absl::StatusOr<std::optional<Time>> TimeOf(const Parameters& parameters, const char* name) {
  const std::string_view text = parameters.Text(name);
  if (text.empty()) return std::nullopt;
  const auto time = ParseTime(text);
  if (!time) return FieldError(name, absl::StrCat(std::string(text), " is not an RFC 3339 time"));
  return time;
}

absl::StatusOr<LetterFilter> FilterOf(const Parameters& parameters) {
  LetterFilter filter;
  if (const std::string_view text = parameters.Text("reason"); !text.empty()) {
    const auto reason = ParseRefusedReason(text);
    if (!reason.ok()) return FieldError("reason", std::string(reason.status().message()));
    filter.reason = static_cast<v1::RefusedReason>(*reason);
  }
  filter.source = parameters.Text("source");
  TW_ASSIGN_OR_RETURN(filter.since, TimeOf(parameters, "since"));
  TW_ASSIGN_OR_RETURN(filter.until, TimeOf(parameters, "until"));
  return filter;
}

absl::Status ReadTime(const char* field, bool given, const google::protobuf::Timestamp& from,
                      std::optional<Time>* out) {
  if (!given) return absl::OkStatus();
  *out = ToTime(from);
  return *out ? absl::OkStatus() : FieldError(field, "is out of range");
}

absl::StatusOr<LetterFilter> FilterOf(const v1::RedriveDeadLettersRequest& request) {
  LetterFilter filter;
  if (request.reason() != v1::REFUSED_REASON_UNSPECIFIED) {
    if (!v1::RefusedReason_IsValid(request.reason())) {
      return FieldError("reason", absl::StrCat(static_cast<int>(request.reason()), " is none"));
    }
    filter.reason = request.reason();
  }
  filter.source = request.source();
  TW_RETURN_IF_ERROR(ReadTime("since", request.has_since(), request.since(), &filter.since));
  TW_RETURN_IF_ERROR(ReadTime("until", request.has_until(), request.until(), &filter.until));
  return filter;
}

// A text of the wire is UTF-8, and a key need not be.
bool IsText(const v1::DeadLetter& letter, const std::string& key) {
  return letter.has_event() && !KeyOf(letter.event()).empty() && key == KeyOf(letter.event());
}

v1::RedrivenLetter Describe(const Letter& letter) {
  v1::RedrivenLetter made;
  made.set_letter(ToText(letter.place()));
  made.set_reason(letter.message.reason());
  made.set_source(letter.message.source());
  made.set_event_id(letter.message.event_id());
  if (IsText(letter.message, letter.key())) made.set_sku(letter.key());
  return made;
}

void SetRefusal(const Refusal& refusal, v1::RedrivenLetter* out) {
  out->set_outcome(v1::REDRIVE_OUTCOME_NOT_MENDED);
  out->set_refused(static_cast<v1::RefusedReason>(refusal.reason));
  out->set_detail(refusal.detail);
}

}  // namespace

// What a request chooses, and how it is to be mended.
struct DeadLetters::Choice {
  std::set<LetterPlace> named;  // empty: all
  LetterFilter filter;
  v1::RedriveMode mode = v1::REDRIVE_MODE_BY_KEY;

  static absl::StatusOr<Choice> Of(const v1::RedriveDeadLettersRequest& request);
  bool Fits(const v1::DeadLetter& letter) const {
    return (named.empty() || named.contains(PlaceOf(letter))) && filter.Fits(letter);
  }
};

// What one page appends: `records[i]` belongs to the response's result `results[i]`.
struct DeadLetters::Page {
  TopicPages::Position begin;  // moves as it is read
  TopicPages::Position end;
  std::vector<PlannedRecord> records;
  std::vector<std::string> letter_keys;
  std::vector<LetterPlace> letters;
  std::vector<Partition> homes;  // where the letters themselves lie
  std::vector<int> results;
};

absl::StatusOr<DeadLetters::Choice> DeadLetters::Choice::Of(
    const v1::RedriveDeadLettersRequest& request) {
  Choice choice;
  for (const std::string& text : request.letters()) {
    const auto place = ParseLetterPlace(text);
    if (!place) return FieldError("letters", absl::StrCat("`", text, "` is not PARTITION/OFFSET"));
    choice.named.insert(*place);
  }
  TW_ASSIGN_OR_RETURN(choice.filter, FilterOf(request));
  if (choice.named.size() > kMaxNamed) {
    return FieldError("letters", absl::StrCat(choice.named.size(), " are more than ", kMaxNamed));
  }
  if (choice.named.empty() && choice.filter.empty() && !request.all()) {
    return FieldError("letters", "say which: some, reason, source, since, until, or all");
  }
  if (request.mode() != v1::REDRIVE_MODE_UNSPECIFIED) choice.mode = request.mode();
  if (!v1::RedriveMode_IsValid(choice.mode)) {
    return FieldError("mode", absl::StrCat(static_cast<int>(choice.mode), " is none"));
  }
  const auto replacements = static_cast<size_t>(request.replacements_size());
  if ((choice.mode == v1::REDRIVE_MODE_REPLACE) != (replacements > 0)) {
    return FieldError("replacements", "are for REDRIVE_MODE_REPLACE, which needs at least one");
  }
  if (replacements > kMaxNamed) {
    return FieldError("replacements", absl::StrCat(replacements, " are more than ", kMaxNamed));
  }
  return choice;
}

DeadLetters::DeadLetters(Log* log, Appender* appender, Options options)
    : log_(log), appender_(appender), options_(options) {}
DeadLetters::DeadLetters(Log* log, Appender* appender) : DeadLetters(log, appender, Options()) {}

TopicPages DeadLetters::Pages() const { return {log_, kStockDeadLetters, kTokenMark}; }

absl::Status DeadLetters::ReadMarks() {
  TopicPages pages = Pages();
  const std::lock_guard lock(marks_mu_);
  if (marks_read_.empty()) {
    TW_ASSIGN_OR_RETURN(marks_read_, pages.Find("start", ""));
  }
  return pages
      .Read(&marks_read_,
            [&](const Record& record) -> absl::StatusOr<bool> {
              if (const auto mark = ReadMark(record)) marks_.emplace(mark->letter, mark->to);
              return true;
            })
      .status();
}

std::optional<LetterPlace> DeadLetters::RedrivenTo(LetterPlace place) {
  const std::lock_guard lock(marks_mu_);
  const auto found = marks_.find(place);
  if (found == marks_.end()) return std::nullopt;
  return found->second;
}

absl::Status DeadLetters::List(const Parameters& parameters, v1::ListDeadLettersResponse* out) {
  TW_ASSIGN_OR_RETURN(const size_t limit, parameters.Count("limit", kDefaultPage, kMaxPage));
  TW_ASSIGN_OR_RETURN(const LetterFilter filter, FilterOf(parameters));
  TopicPages pages = Pages();
  TW_ASSIGN_OR_RETURN(TopicPages::Position position,
                      pages.Find(parameters.Text("page_token"), "page_token"));
  TW_RETURN_IF_ERROR(ReadMarks());
  size_t seen = 0;
  TW_ASSIGN_OR_RETURN(const bool more,
                      pages.Read(&position, [&](const Record& record) -> absl::StatusOr<bool> {
                        if (!IsMark(record)) {
                          v1::DeadLetter letter = ToDeadLetter(record);
                          if (filter.Fits(letter)) {
                            if (const auto to = RedrivenTo(PlaceOf(letter)))
                              letter.set_redriven_to(ToText(*to));
                            *out->add_dead_letters() = std::move(letter);
                          }
                        }
                        return ++seen < options_.list_records &&
                               static_cast<size_t>(out->dead_letters_size()) < limit;
                      }));
  if (more) out->set_next_page_token(pages.Token(position));
  return absl::OkStatus();
}

absl::Status DeadLetters::Get(LetterPlace place, v1::DeadLetter* out) {
  TopicPages pages = Pages();
  TW_ASSIGN_OR_RETURN(TopicPages::Position position, pages.Find("start", ""));
  TW_RETURN_IF_ERROR(ReadMarks());
  bool found = false;
  TW_RETURN_IF_ERROR(pages
                         .Read(&position,
                               [&](const Record& record) -> absl::StatusOr<bool> {
                                 if (IsMark(record)) return true;
                                 v1::DeadLetter letter = ToDeadLetter(record);
                                 if (PlaceOf(letter) != place) return true;
                                 out->Swap(&letter);
                                 found = true;
                                 return false;
                               })
                         .status());
  if (!found) return absl::NotFoundError("no dead letter of record " + ToText(place));
  if (const auto to = RedrivenTo(place)) out->set_redriven_to(ToText(*to));
  return absl::OkStatus();
}

absl::StatusOr<bool> DeadLetters::ForEach(const Choice& choice, TopicPages::Position* position,
                                          const TopicPages::Position& end,
                                          const std::function<bool(Letter letter)>& on_letter) {
  TopicPages pages = Pages();
  return pages.Read(position, [&](const Record& record) -> absl::StatusOr<bool> {
    if (record.offset >= end[static_cast<size_t>(record.partition.value())]) return true;
    if (IsMark(record)) return true;
    Letter letter{ToDeadLetter(record), record.partition, {}};
    if (!choice.Fits(letter.message)) return true;
    letter.headers.assign(record.headers.begin(), record.headers.end());
    return on_letter(std::move(letter));
  });
}

absl::Status DeadLetters::CheckNamed(const Choice& choice, const TopicPages::Position& start,
                                     const TopicPages::Position& end, Replacements* replacements) {
  if (choice.named.empty() && choice.mode != v1::REDRIVE_MODE_REPLACE) return absl::OkStatus();
  Choice named_only;
  named_only.named = choice.named;
  std::set<LetterPlace> missing = choice.named;
  TopicPages::Position position = start;
  TW_RETURN_IF_ERROR(ForEach(named_only, &position, end, [&](const Letter& letter) {
                       missing.erase(letter.place());
                       if (choice.Fits(letter.message)) replacements->Offer(letter);
                       return true;
                     }).status());
  if (!missing.empty()) {
    return absl::NotFoundError("no dead letter of record " + ToText(*missing.begin()));
  }
  return replacements->Settle();
}

absl::Status DeadLetters::ReadPage(const Choice& choice, const Replacements& replacements,
                                   Page* page, v1::RedriveDeadLettersResponse* out) {
  TW_ASSIGN_OR_RETURN(const TopicSpec events, log_->Describe(kStockEvents));
  Planner planner(events.partitions);
  std::set<LetterPlace> seen;  // the projector may have written one twice
  size_t bytes = 0;
  const auto plan = [&](const Letter& letter, v1::RedrivenLetter* result) -> Planned {
    switch (choice.mode) {
      case v1::REDRIVE_MODE_AS_IS:
        return planner.AsIs(letter);
      case v1::REDRIVE_MODE_REPLACE:
        if (const auto* replacement = replacements.For(letter.place())) {
          result->set_replaced_by(replacements.NameOf(*replacement));
          return planner.Replace(letter, replacement->event());
        }
        return Refusal{static_cast<RefusedReason>(letter.message.reason()),
                       "there is no replacement for it"};
      default:
        return planner.ByKey(letter);
    }
  };
  TW_ASSIGN_OR_RETURN(const bool more,
                      ForEach(choice, &page->begin, page->end, [&](const Letter& letter) {
                        if (!seen.insert(letter.place()).second) return true;
                        v1::RedrivenLetter* result = out->add_results();
                        *result = Describe(letter);
                        if (const auto to = RedrivenTo(letter.place())) {
                          result->set_outcome(v1::REDRIVE_OUTCOME_DONE_BEFORE);
                          result->set_partition(to->partition.value());
                          result->set_offset(to->offset.value());
                        } else if (Planned planned = plan(letter, result);
                                   const auto* refusal = std::get_if<Refusal>(&planned)) {
                          SetRefusal(*refusal, result);
                        } else {
                          auto& record = std::get<PlannedRecord>(planned);
                          result->set_outcome(v1::REDRIVE_OUTCOME_TO_APPEND);
                          result->set_key(record.key);
                          result->set_partition(record.partition.value());
                          bytes += record.value.size();
                          page->records.push_back(std::move(record));
                          page->letter_keys.push_back(letter.message.key());
                          page->letters.push_back(letter.place());
                          page->homes.push_back(letter.home);
                          page->results.push_back(out->results_size() - 1);
                        }
                        return static_cast<size_t>(out->results_size()) < options_.page_letters &&
                               bytes < options_.page_bytes;
                      }));
  if (more) {
    TopicPages pages = Pages();
    out->set_next_page_token(
        absl::StrCat(pages.Token(page->begin), std::string(1, kEndMark), pages.Token(page->end)));
  }
  return absl::OkStatus();
}

absl::Status DeadLetters::Execute(const Page& page, v1::RedriveDeadLettersResponse* out) {
  std::vector<NewRecord> records;
  for (const PlannedRecord& planned : page.records) records.push_back(planned.Record());
  TW_ASSIGN_OR_RETURN(const auto appended, appender_->AppendRecords(records));
  std::vector<NewRecord> marks;
  std::vector<std::array<Header, 2>> headers;
  headers.reserve(appended.size());
  for (size_t i = 0; i < appended.size(); ++i) {
    v1::RedrivenLetter* result = out->mutable_results(page.results[i]);
    if (const auto* refusal = std::get_if<Refusal>(&appended[i])) {
      SetRefusal(*refusal, result);
      continue;
    }
    const auto& event = std::get<AppendedEvent>(appended[i]);
    result->set_outcome(v1::REDRIVE_OUTCOME_APPENDED);
    result->set_offset(event.offset.value());
    result->mutable_log_time()->set_seconds(event.stamp.value() / 1'000'000);
    result->mutable_log_time()->set_nanos(
        static_cast<int32_t>(event.stamp.value() % 1'000'000 * 1'000));
    headers.push_back(MarkHeaders({page.letters[i], {event.partition, event.offset}}));
    marks.push_back({.topic = kStockDeadLetters,
                     .partition = page.homes[i],
                     .key = page.letter_keys[i],
                     .value = "",
                     .headers = headers.back()});
  }
  const absl::Status marked = log_->Append(marks).status();
  if (marked.ok()) return ReadMarks();
  return absl::Status(marked.code(),
                      absl::StrCat(marked.message(), "; ", marks.size(),
                                   " letters were appended and could not be marked: redrive them "
                                   "again, what is in changes nothing"));
}

absl::Status DeadLetters::Redrive(const v1::RedriveDeadLettersRequest& request,
                                  v1::RedriveDeadLettersResponse* out) {
  TW_ASSIGN_OR_RETURN(const Choice choice, Choice::Of(request));
  TW_ASSIGN_OR_RETURN(Replacements replacements, Replacements::Make(request.replacements()));
  std::unique_lock lock(execute_mu_, std::defer_lock);
  if (request.execute()) lock.lock();
  const TopicPages pages = Pages();
  TW_ASSIGN_OR_RETURN(const TopicPages::Position start, pages.Find("start", ""));
  Page page;
  const std::string_view token = request.page_token();
  const size_t middle = token.find(kEndMark);
  if (!token.empty() && middle == std::string_view::npos) {
    return FieldError("page_token",
                      absl::StrCat(request.page_token(), " was not given by this ledger here"));
  }
  TW_ASSIGN_OR_RETURN(page.begin, pages.Find(token.substr(0, middle), "page_token"));
  TW_ASSIGN_OR_RETURN(page.end,
                      pages.Find(token.empty() ? "end" : token.substr(middle + 1), "page_token"));
  TW_RETURN_IF_ERROR(ReadMarks());
  TW_RETURN_IF_ERROR(CheckNamed(choice, start, page.end, &replacements));
  TW_RETURN_IF_ERROR(ReadPage(choice, replacements, &page, out));
  if (request.execute() && !page.records.empty()) TW_RETURN_IF_ERROR(Execute(page, out));
  for (const v1::RedrivenLetter& result : out->results()) {
    const auto outcome = result.outcome();
    if (outcome == v1::REDRIVE_OUTCOME_TO_APPEND) out->set_to_append(out->to_append() + 1);
    if (outcome == v1::REDRIVE_OUTCOME_APPENDED) out->set_appended(out->appended() + 1);
    if (outcome == v1::REDRIVE_OUTCOME_NOT_MENDED) out->set_not_mended(out->not_mended() + 1);
    if (outcome == v1::REDRIVE_OUTCOME_DONE_BEFORE) out->set_done_before(out->done_before() + 1);
  }
  return absl::OkStatus();
}

}  // namespace tallywire
