// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_FORM_RULES_TESTING_H_
#define TALLYWIRE_TESTS_FORM_RULES_TESTING_H_

// Events as text and what the form rules say of them as text, for tests.

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "ledger/codec.h"
#include "ledger/topics.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire::form {

inline constexpr int32_t kPartitions = 6;

inline v1::StockEvent Parsed(const std::string& text) {
  v1::StockEvent message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// An envelope that keeps all rules, with `body` in it.
inline std::string Told(const std::string& body) {
  return "event_id: 'e1' source: 'test' sku: 'A' " + body;
}

inline std::string Repeated(size_t times, char c = 'x') { return std::string(times, c); }

inline Placement RightPlace(std::string_view key) {
  return {.key = key, .partition = PartitionOf(key, kPartitions), .partitions = kPartitions};
}

// `REASON detail`, or `applied`: as a message that is not in a log yet.
inline std::string Checked(const v1::StockEvent& message, const Placement& placement = {}) {
  Decoder decoder;
  const auto result = decoder.Check(message, placement);
  if (std::holds_alternative<const Event*>(result)) return "applied";
  const Refusal& refusal = std::get<Refusal>(result);
  return std::string(Name(refusal.reason)) + " " + refusal.detail;
}

inline std::string Checked(const std::string& text) { return Checked(Parsed(text)); }

struct Case {
  std::string text;
  std::string expected;
};

inline void ExpectAll(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Checked(c.text), c.expected) << c.text;
}

inline constexpr char kSold[] = "sold { location: 'WH1' quantity: 1 }";

}  // namespace tallywire::form

#endif  // TALLYWIRE_TESTS_FORM_RULES_TESTING_H_
