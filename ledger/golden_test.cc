// SPDX-License-Identifier: Apache-2.0
// Bytes that have been written once decode to the same event for ever: testdata/golden has one
// event of each body, with every field that it had, and what is read from it.
//
// A new body gets its files by TALLYWIRE_WRITE_GOLDEN=1 and an event in kEvents below. A file that
// is there is never written again: when it fails, the code is wrong.
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ledger/codec.h"
#include "ledger/identity.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {
namespace {

constexpr char kEnvelope[] =
    "event_id: 'e1' source: 'pos-17' sku: 'RED-TEE' occurred_at { seconds: 1772359200 nanos: "
    "250000000 } sequence: 42 actor: 'till' document: 'INV-1' note: 'as told' ";

// By file name: an event with every field set, and for sku_defined and sku_location_set one with
// none.
std::map<std::string, std::string> Events() {
  const std::string told = kEnvelope;
  return {
      {"received",
       told + "received { location: 'WH3/BIN10' quantity: 12 pool: POOL_QUALITY_CONTROL unit_cost "
              "{ amount: 1250 currency: 'GBP' } purchase_order: 'PO-1' }"},
      {"sold", told + "sold { location: 'WH3' quantity: 3 pool: POOL_DAMAGED channel: 'amazon' "
                      "listing: 'B0-1' order: '026-1' }"},
      {"returned",
       told + "returned { location: 'WH3' quantity: 1 pool: POOL_USED order: '026-1' }"},
      {"counted", told + "counted { location: 'WH3' quantity: 0 set: COUNT_SET_QUALITY_CONTROL }"},
      {"adjusted", told + "adjusted { location: 'WH3' pool: POOL_HELD delta: -2 reason: 'theft' }"},
      {"moved", told +
                    "moved { location: 'WH3' from_pool: POOL_USED to_pool: POOL_HELD quantity: 4 "
                    "reason: 'photo' until { seconds: 1772445600 } }"},
      {"transferred",
       told + "transferred { from: 'WH3' to: 'STORE1' quantity: 5 pool: POOL_HELD }"},
      {"transfer_shipped", told + "transfer_shipped { transfer_id: 'T-1' from: 'WH3' to: 'STORE1' "
                                  "quantity: 5 pool: POOL_DAMAGED }"},
      {"transfer_received",
       told + "transfer_received { transfer_id: 'T-1' to: 'STORE1' quantity: 5 pool: POOL_USED }"},
      {"transfer_closed", told + "transfer_closed { transfer_id: 'T-1' }"},
      {"sku_defined",
       told + "sku_defined { title: 'Red tee, size M' tracking: TRACKING_NON_INVENTORY sellable: "
              "false discontinued: true safety_stock: 2 unit_cost { amount: 400 currency: 'GBP' } "
              "msrp { amount: 1999 currency: 'GBP' } map { amount: 1799 currency: 'EUR' } }"},
      {"sku_defined_least", "event_id: 'e1' source: 'pos-17' sku: 'RED-TEE' sku_defined { }"},
      {"sku_location_set",
       told + "sku_location_set { location: 'WH3' sellable: false safety_stock: 0 }"},
      {"sku_location_set_least",
       "event_id: 'e1' source: 'pos-17' sku: 'RED-TEE' sku_location_set { location: 'WH3' }"},
      {"location_defined",
       "event_id: 'e1' source: 'wms' occurred_at { seconds: 1772359200 } location_defined { "
       "location: 'STORE1' kind: SITE_KIND_STORE sellable: false priority: -1 lead_time { seconds: "
       "3600 nanos: 500000000 } coordinates { latitude_e7: 515074000 longitude_e7: -1278000 } }"},
      {"location_copied",
       "location_copied { cause { partition: 1 offset: 17 } target_partition: 2 definition { "
       "location: 'STORE1' kind: SITE_KIND_DROP_SHIPPER priority: 7 } }"},
      {"ticked", "ticked { }"},
  };
}

class Lines {
 public:
  void Add(std::string_view name, const std::string& value) {
    absl::StrAppend(&text_, std::string(name), " ", value, "\n");
  }
  void Add(std::string_view name, std::string_view value) {
    if (!value.empty()) Add(name, std::string(value));
  }
  void Add(std::string_view name, int64_t value) { Add(name, std::to_string(value)); }
  void Add(std::string_view name, const std::optional<Time>& value) {
    if (value) Add(name, FormatTime(*value));
  }
  void Add(std::string_view name, const std::optional<bool>& value) {
    if (value) Add(name, std::string(*value ? "yes" : "no"));
  }
  void Add(std::string_view name, const std::optional<Money>& value) {
    if (value) Add(name, absl::StrCat(value->amount, " ", value->currency));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void AddDefinitions(const Event& event, Lines& out) {
  const SkuDefinition& sku = event.sku_definition;
  if (event.body == Body::kSkuDefined) {
    out.Add("title", std::string_view(sku.title));
    out.Add("tracking", Name(sku.tracking));
    out.Add("sellable", std::optional(sku.sellable));
    out.Add("discontinued", std::optional(sku.discontinued));
    out.Add("safety_stock", sku.safety_stock);
    out.Add("unit_cost", sku.unit_cost);
    out.Add("msrp", sku.msrp);
    out.Add("map", sku.map);
  }
  out.Add("sellable", event.sku_location.sellable);
  if (event.sku_location.safety_stock) out.Add("safety_stock", *event.sku_location.safety_stock);
  if (event.body != Body::kLocationDefined && event.body != Body::kLocationCopied) return;
  const LocationDefinition& place = event.location_definition;
  out.Add("kind", Name(place.kind));
  out.Add("sellable", place.sellable);
  if (place.priority) out.Add("priority", int64_t{*place.priority});
  if (place.lead_time) out.Add("lead_time_us", place.lead_time->value());
  if (place.coordinates) {
    out.Add("latitude_e7", int64_t{place.coordinates->latitude_e7});
    out.Add("longitude_e7", int64_t{place.coordinates->longitude_e7});
  }
}

// What a reader sees, a line for each field.
std::string Told(const Event& event) {
  Lines out;
  out.Add("body", Name(event.body));
  out.Add("event_id", event.event_id);
  out.Add("source", event.source);
  out.Add("sku", event.sku);
  out.Add("occurred_at", event.occurred_at);
  if (event.sequence) out.Add("sequence", static_cast<int64_t>(*event.sequence));
  out.Add("actor", event.actor);
  out.Add("document", event.document);
  out.Add("note", event.note);
  out.Add("location", event.location);
  out.Add("to", event.to);
  out.Add("transfer_id", event.transfer_id);
  out.Add("quantity", event.quantity);
  out.Add("pool", Name(event.pool));
  out.Add("to_pool", Name(event.to_pool));
  out.Add("set", Name(event.set));
  out.Add("until", event.until);
  out.Add("channel", event.channel);
  out.Add("listing", event.listing);
  out.Add("order", event.order);
  out.Add("purchase_order", event.purchase_order);
  out.Add("reason", event.reason);
  out.Add("unit_cost", event.unit_cost);
  AddDefinitions(event, out);
  if (event.body == Body::kLocationCopied) {
    out.Add("target_partition", int64_t{event.target_partition.value()});
    out.Add("cause_partition", int64_t{event.cause_partition.value()});
    out.Add("cause_offset", event.cause_offset.value());
  }
  if (!IsLinked(event.body)) {
    const Identity identity = IdentityOf(event);
    out.Add("identity", absl::StrCat(absl::Hex(identity.high, absl::kZeroPad16),
                                     absl::Hex(identity.low, absl::kZeroPad16)));
    out.Add("fingerprint", absl::StrCat(absl::Hex(Fingerprint(event), absl::kZeroPad16)));
  }
  return out.text();
}

std::filesystem::path FileOf(const std::string& name) {
  return std::filesystem::path(TALLYWIRE_GOLDEN) / (name + ".txt");
}

std::string ReadTold(const std::string& bytes) {
  Decoder decoder;
  const Placement linked{.key = "", .partition = Partition(2), .partitions = 3};
  v1::StockEvent message;
  if (!message.ParseFromString(bytes)) return "no message";
  const bool is_linked = message.has_location_copied() || message.has_ticked();
  const auto result = decoder.Decode(bytes, {}, is_linked ? linked : Placement());
  if (const auto* refusal = std::get_if<Refusal>(&result)) return refusal->detail;
  return Told(*std::get<const Event*>(result));
}

// A file's line `bytes HEX`, and what stands behind it.
struct Golden {
  std::string bytes;
  std::string told;
};

std::optional<Golden> Read(const std::filesystem::path& path) {
  std::ifstream in(path);
  Golden golden;
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with("bytes ")) {
      golden.bytes = absl::HexStringToBytes(line.substr(6));
    } else if (!line.starts_with('#')) {
      golden.told += line + "\n";
    }
  }
  if (golden.bytes.empty()) return std::nullopt;
  return golden;
}

void WriteMissing() {
  for (const auto& [name, text] : Events()) {
    if (std::filesystem::exists(FileOf(name))) continue;
    v1::StockEvent message;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << name;
    const std::string bytes = message.SerializeAsString();
    std::ofstream(FileOf(name))
        << "# A StockEvent as it was written once, and what is read from it "
           "for ever. Never change it.\nbytes "
        << absl::BytesToHexString(bytes) << "\n"
        << ReadTold(bytes);
  }
}

TEST(GoldenTest, EveryEventThatWasEverWrittenIsReadTheSame) {
  if (std::getenv("TALLYWIRE_WRITE_GOLDEN") != nullptr) WriteMissing();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TALLYWIRE_GOLDEN)) {
    const auto golden = Read(entry.path());
    ASSERT_TRUE(golden.has_value()) << entry.path();
    EXPECT_EQ(ReadTold(golden->bytes), golden->told) << entry.path();
    ++files;
  }
  EXPECT_GE(files, kBodies + 2);
}

TEST(GoldenTest, EveryBodyHasAFile) {
  for (int i = 0; i < kBodies; ++i) {
    const std::string name(Name(static_cast<Body>(i)));
    const auto golden = Read(FileOf(name));
    ASSERT_TRUE(golden.has_value()) << name;
    EXPECT_TRUE(golden->told.starts_with("body " + name + "\n")) << name;
  }
}

}  // namespace
}  // namespace tallywire
