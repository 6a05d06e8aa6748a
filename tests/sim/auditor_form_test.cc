// SPDX-License-Identifier: Apache-2.0
// The auditor reads a record as the codec does: the same reason, and of what is right the same time
// and the same content for equal events.
#include "tests/sim/auditor_form.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "ledger/codec.h"
#include "ledger/identity.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire::sim {
namespace {

constexpr int32_t kPartitions = 3;

// Messages that are mostly right, and where they are not, at the edge.
class Messages {
 public:
  explicit Messages(uint64_t seed) : random_(seed) {}

  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool OneIn(int64_t n) { return Below(n) == 0; }

  v1::StockEvent Make() {
    v1::StockEvent event;
    const auto* descriptor = event.GetDescriptor();
    const auto* bodies = descriptor->FindOneofByName("body");
    for (int i = 0; i < descriptor->field_count(); ++i) {
      if (descriptor->field(i)->containing_oneof() != bodies) Fill(&event, descriptor->field(i));
    }
    const auto* body = bodies->field(static_cast<int>(Below(bodies->field_count())));
    if (!OneIn(40)) FillAll(event.GetReflection()->MutableMessage(&event, body));
    if (event.has_location_defined() && !OneIn(8)) event.clear_sku();
    return event;
  }

  std::string Text(const std::string& name) {
    if (OneIn(40)) return "";
    if (OneIn(60)) return "a\tb";
    if (OneIn(60)) return "\xc2\x85";
    if (OneIn(60)) return "\xc3\x9f";
    if (OneIn(80)) return "\xed\xa0\x80";
    if (OneIn(60)) return "W//1";
    if (OneIn(60)) return "W/";
    if (OneIn(40)) return std::string(static_cast<size_t>(63 + Below(3)), 'x');
    if (OneIn(60)) return std::string(static_cast<size_t>(255 + Below(3)), 'x');
    if (OneIn(90)) return std::string(static_cast<size_t>(1'023 + Below(3)), 'x');
    if (name == "currency") return OneIn(8) ? "gbp" : "GBP";
    if (name == "sku") return "A";
    return OneIn(2) ? "W" : "W/1";
  }

  template <class T>
  T Pick(const std::vector<T>& from) {
    return from[static_cast<size_t>(Below(static_cast<int64_t>(from.size())))];
  }

 private:
  using Field = google::protobuf::FieldDescriptor;

  void FillAll(google::protobuf::Message* message) {
    for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
      Fill(message, message->GetDescriptor()->field(i));
    }
  }

  void Fill(google::protobuf::Message* message, const Field* field) {
    const auto* reflection = message->GetReflection();
    if (OneIn(field->cpp_type() == Field::CPPTYPE_MESSAGE ? 2 : 12)) return;
    switch (field->cpp_type()) {
      case Field::CPPTYPE_STRING:
        return reflection->SetString(message, field, Text(field->name()));
      case Field::CPPTYPE_MESSAGE:
        return FillAll(reflection->MutableMessage(message, field));
      case Field::CPPTYPE_ENUM:
        return reflection->SetEnumValue(message, field,
                                        static_cast<int>(OneIn(6) ? Below(11) - 1 : Below(5)));
      case Field::CPPTYPE_BOOL:
        return reflection->SetBool(message, field, OneIn(2));
      case Field::CPPTYPE_INT32:
        return reflection->SetInt32(
            message, field,
            OneIn(5) ? Pick<int32_t>({-1, 999'999'999, 1'000'000'000, 900'000'001, -1'800'000'000,
                                      -1'800'000'001, 3})
                     : static_cast<int32_t>(Below(2)));
      case Field::CPPTYPE_UINT64:
        return reflection->SetUInt64(message, field, random_());
      case Field::CPPTYPE_INT64:
        return reflection->SetInt64(message, field, Number(field->name() == "seconds"));
      default:
        FAIL() << field->full_name();
    }
  }

  int64_t Number(bool seconds) {
    const int64_t edge = int64_t{1} << 53;
    if (OneIn(12)) return Pick<int64_t>({0, -1, edge, edge + 1, -edge, -edge - 1, INT64_MAX});
    if (!seconds) return 1 + Below(9);
    return Pick<int64_t>({1'772'359'200, 1'772'359'200, 946'684'800, 946'684'799, 253'402'300'799,
                          253'402'300'800, 315'576'000'000, 315'576'000'001, -62'135'596'800, 0});
  }

  std::mt19937_64 random_;
};

std::string Framed(const std::string& message, Messages& chance) {
  if (!chance.OneIn(12)) return message;
  const std::string indexes = chance.Pick<std::string>(
      {std::string(1, '\0'), std::string("\2\0", 2), "\4\1\2", "\3", "\6\1", ""});
  return std::string("\0\0\0\0\7", static_cast<size_t>(chance.OneIn(20) ? 3 : 5)) + indexes +
         message;
}

LogRecord Spoilt(Messages& chance) {
  const v1::StockEvent event = chance.Make();
  LogRecord record;
  record.key = event.has_location_defined() ? event.location_defined().location() : event.sku();
  if (chance.OneIn(20)) record.key = chance.Text("sku");
  record.partition = HomeOf(record.key, kPartitions);
  if (chance.OneIn(20)) record.partition = static_cast<int32_t>(chance.Below(kPartitions));
  record.value = Framed(event.SerializeAsString(), chance);
  if (chance.OneIn(20) && !record.value.empty()) {
    char& byte =
        record.value[static_cast<size_t>(chance.Below(static_cast<int64_t>(record.value.size())))];
    byte = static_cast<char>(chance.Below(256));
  }
  if (chance.OneIn(200)) {
    record.value.resize(static_cast<size_t>(512 * 1'024 + chance.Below(2)), '\x12');
  }
  const auto header = [&](const char* name) {
    const std::string value =
        name == std::string("ce_time")
            ? chance.Pick<std::string>({"2026-03-01T10:00:00.1234567Z", "x", "", "\xff",
                                        "1999-12-31T23:59:59Z", "1960-01-01T00:00:00.5Z"})
            : chance.Pick<std::string>({"ce", "", "\xff", "a\tb"});
    if (chance.OneIn(4)) record.headers.push_back({name, value});
  };
  for (const char* name : {"ce_id", "ce_source", "ce_time", "ce_id"}) header(name);
  return record;
}

TEST(AuditorFormTest, SaysWhatTheCodecSays) {
  Decoder decoder;
  std::map<std::string, int> reasons;
  std::map<std::string, uint64_t> contents;
  for (uint64_t seed = 1; seed <= 60'000; ++seed) {
    Messages chance(seed);
    const LogRecord record = Spoilt(chance);
    const Told told = ReadTold(record, kPartitions);
    const auto decoded = decoder.Decode(record.value, record.headers,
                                        {record.key, Partition(record.partition), kPartitions});
    const auto* refusal = std::get_if<Refusal>(&decoded);
    const std::string codec = refusal == nullptr ? "fine" : std::string(Name(refusal->reason));
    const std::string auditor =
        !told.refused.has_value() ? "fine" : v1::RefusedReason_Name(*told.refused).substr(15);
    ASSERT_EQ(auditor, codec) << "seed " << seed << ": "
                              << (refusal == nullptr ? "" : refusal->detail) << "\n"
                              << told.event.ShortDebugString();
    ++reasons[codec];
    if (refusal != nullptr || told.IsLinked()) continue;
    const Event& event = *std::get<const Event*>(decoded);
    ASSERT_EQ(told.occurred_at.has_value(), event.occurred_at.has_value()) << seed;
    ASSERT_EQ(told.occurred_at.value_or(0), event.occurred_at.value_or(Time(0)).value()) << seed;
    // Equal contents have equal fingerprints, others others.
    const auto [known, first] = contents.try_emplace(told.Content(), Fingerprint(event));
    ASSERT_EQ(known->second, Fingerprint(event)) << seed << (first ? " first" : " again");
  }
  std::map<uint64_t, std::string> fingerprints;
  for (const auto& [content, fingerprint] : contents) {
    const auto [known, first] = fingerprints.try_emplace(fingerprint, content);
    ASSERT_TRUE(first) << "one fingerprint of two contents";
  }
  for (const char* reason : {"fine", "TOO_LARGE", "UNDECODABLE", "UNKNOWN_BODY", "MISSING_FIELD",
                             "BAD_NAME", "WRONG_KEY", "WRONG_PARTITION", "NOT_ALLOWED",
                             "UNKNOWN_ENUM", "POOL_NOT_ALLOWED", "BAD_QUANTITY", "BAD_VALUE"}) {
    EXPECT_GT(reasons[reason], 20) << reason;
  }
}

}  // namespace
}  // namespace tallywire::sim
