// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fold_input.h"

#include <array>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/codec.h"
#include "ledger/limits.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire::fuzz {
namespace {

constexpr int64_t kStart = 1'772'359'200'000'000;
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;

// A step of the clock, or how far something lies from it.
constexpr std::array<int64_t, 16> kSteps = {
    0,           kSecond,       0,        1,  20 * kMinute, kHour,      26 * kHour,
    3 * kSecond, -20 * kMinute, -kSecond, -1, -kHour,       -kHour - 1, -26 * kHour,
    400 * kHour, kMinute};
constexpr std::array<std::string_view, 6> kSkus = {"A", "A", "B", "C", "D", "E1"};
constexpr std::array<std::string_view, 10> kLocations = {"W",     "W/A", "W/A/1", "W/B", "R/S",
                                                         "R/S/1", "R",   "N",     "W/C", "X"};
constexpr std::array<std::string_view, 3> kSources = {"pos", "shop", "wms"};
constexpr std::array<std::string_view, 4> kTransfers = {"T1", "T2", "T1", "T3"};
constexpr std::array<v1::Pool, 8> kPoolsTold = {
    v1::POOL_UNSPECIFIED,     v1::POOL_AVAILABLE, v1::POOL_HELD,
    v1::POOL_DAMAGED,         v1::POOL_USED,      v1::POOL_HELD,
    v1::POOL_QUALITY_CONTROL, v1::POOL_INCOMING};
constexpr std::array<int64_t, 8> kOddQuantities = {0,
                                                   -1,
                                                   kMaxQuantity,
                                                   kMaxQuantity - 1,
                                                   kMaxQuantity + 1,
                                                   -kMaxQuantity,
                                                   1'000'000,
                                                   kMaxQuantity / 2};

// What a record is.
enum class What {
  kReceived,
  kSold,
  kReturned,
  kCounted,
  kAdjusted,
  kMoved,
  kMovedUntil,
  kTransferred,
  kTransferShipped,
  kTransferReceived,
  kTransferClosed,
  kSkuDefined,
  kSkuLocationSet,
  kLocationDefined,
  kLocationCopied,
  kTicked,
  kBytes,     // any value
  kAgain,     // an earlier record
  kSpoilt,    // an earlier record, one byte of it changed
  kManyHeld,  // units held until one moment, many times
  kCount,
};

class Maker {
 public:
  explicit Maker(Input in) : in_(in) {}

  FoldInput Make() {
    const int first = in_.Byte();
    made_.partitions = (first & 1) != 0 ? 3 : 1;
    copies_ = (first & 2) == 0;
    while (!in_.empty() && made_.records.size() < kMostFoldRecords) Step();
    return std::move(made_);
  }

 private:
  template <class T, size_t kSize>
  T Pick(const std::array<T, kSize>& from) {
    return from[static_cast<size_t>(in_.Below(kSize))];
  }
  std::string Sku() { return std::string(Pick(kSkus)); }
  std::string Location() { return std::string(Pick(kLocations)); }
  int64_t Quantity() {
    const int byte = in_.Byte();
    return byte < 240 ? byte % 16 : kOddQuantities[static_cast<size_t>(byte % 8)];
  }
  void SetTime(int64_t micros, google::protobuf::Timestamp* out) {
    out->set_seconds(micros / kSecond);
    out->set_nanos(static_cast<int32_t>(micros % kSecond) * 1'000);
  }

  void Step() {
    const auto what = static_cast<What>(in_.Below(static_cast<int>(What::kCount)));
    const int how = in_.Byte();
    now_ += kSteps[static_cast<size_t>(how & 15)];
    const After after{
        .checkpoint = (how & 16) != 0, .evict = (how & 32) != 0, .crash = (how & 64) != 0};
    if (what == What::kManyHeld) return HoldMany(after);
    if (what == What::kAgain || what == What::kSpoilt) return Repeat(what, after);
    if (what == What::kBytes) {
      std::string value(in_.Text());
      v1::StockEvent message;
      const bool parses = message.ParseFromString(value);
      return Add(parses ? std::string(KeyOf(message)) : Sku(), std::move(value), after);
    }
    v1::StockEvent event = Event(what);
    const std::string key(KeyOf(event));
    Add(key, event.SerializeAsString(), after);
    // As its owner would, who is never slower than that.
    if (!event.has_location_defined() || !copies_) return;
    v1::StockEvent copied;
    copied.mutable_location_copied()->mutable_cause()->set_offset(
        static_cast<int64_t>(made_.records.size()) - 1);
    *copied.mutable_location_copied()->mutable_definition() = event.location_defined();
    Add(key, copied.SerializeAsString(), after);
  }

  void Add(std::string key, std::string value, const After& after) {
    made_.records.push_back({.partition = 0,
                             .offset = static_cast<int64_t>(made_.records.size()),
                             .stamp = now_,
                             .key = std::move(key),
                             .value = std::move(value),
                             .headers = {}});
    made_.after.push_back(after);
  }

  void Repeat(What what, const After& after) {
    const int back = in_.Below(32);
    if (made_.records.empty()) return;
    const size_t from = made_.records.size() - 1;
    const sim::LogRecord& earlier = made_.records[from - std::min<size_t>(from, back)];
    std::string value = earlier.value;
    if (what == What::kSpoilt && !value.empty()) {
      value[in_.Byte() % value.size()] ^= static_cast<char>(in_.Byte());
    }
    Add(earlier.key, std::move(value), after);
  }

  // More timers than one would write by hand, all due at once.
  void HoldMany(const After& after) {
    const int many = in_.Byte() * 2;
    v1::StockEvent event = Envelope(What::kMovedUntil);
    SetMoved(&event);
    SetTime(now_ + kHour, event.mutable_moved()->mutable_until());
    for (int i = 0; i < many && made_.records.size() < kMostFoldRecords; ++i) {
      event.set_event_id(absl::StrCat("m", made_.records.size()));
      Add(event.sku(), event.SerializeAsString(), i == 0 ? after : After());
    }
  }

  v1::StockEvent Envelope(What what) {
    v1::StockEvent event;
    const int id = in_.Byte();
    event.set_event_id(id < 200 ? absl::StrCat("e", made_.records.size())
                                : absl::StrCat("e", id % 16));
    event.set_source(std::string(Pick(kSources)));
    if (what != What::kLocationDefined) event.set_sku(Sku());
    const int occurred = in_.Byte();
    if (occurred >= 128) SetTime(now_ + kSteps[occurred % 16], event.mutable_occurred_at());
    const int sequence = in_.Byte();
    if (sequence >= 160) event.set_sequence(made_.records.size() / 2 + sequence % 8);
    if (sequence >= 250) event.set_sequence(made_.records.size() + 1023 + sequence % 4);
    return event;
  }

  v1::StockEvent Event(What what) {
    v1::StockEvent event;
    if (what == What::kTicked) {
      event.mutable_ticked();
      return event;
    }
    if (what == What::kLocationCopied) {
      SetCopied(event.mutable_location_copied());
      return event;
    }
    event = Envelope(what);
    SetBody(what, &event);
    return event;
  }

  void SetBody(What what, v1::StockEvent* event) {
    switch (what) {
      case What::kReceived:
        return SetReceived(event->mutable_received());
      case What::kSold:
        SetUnits(event->mutable_sold());
        if (in_.Chance()) event->mutable_sold()->set_channel("web");
        return;
      case What::kReturned:
        return SetUnits(event->mutable_returned());
      case What::kCounted:
        event->mutable_counted()->set_location(Location());
        event->mutable_counted()->set_quantity(Quantity());
        event->mutable_counted()->set_set(static_cast<v1::CountSet>(in_.Below(5)));
        return;
      case What::kAdjusted:
        event->mutable_adjusted()->set_location(Location());
        event->mutable_adjusted()->set_pool(Pick(kPoolsTold));
        event->mutable_adjusted()->set_delta(in_.Chance() ? Quantity() : -Quantity());
        event->mutable_adjusted()->set_reason("r");
        return;
      case What::kMoved:
        return SetMoved(event);
      case What::kMovedUntil:
        SetMoved(event);
        event->mutable_moved()->set_to_pool(v1::POOL_HELD);
        return SetTime(now_ + Pick(kSteps), event->mutable_moved()->mutable_until());
      case What::kSkuDefined:
        return SetDefined(event->mutable_sku_defined());
      case What::kSkuLocationSet:
        event->mutable_sku_location_set()->set_location(Location());
        if (in_.Chance()) event->mutable_sku_location_set()->set_sellable(in_.Chance());
        if (in_.Chance()) event->mutable_sku_location_set()->set_safety_stock(Quantity());
        return;
      case What::kLocationDefined:
        return SetDefined(event->mutable_location_defined());
      default:
        return SetTransfer(what, event);
    }
  }

  template <class T>
  void SetUnits(T* body) {
    body->set_location(Location());
    body->set_quantity(Quantity());
    body->set_pool(Pick(kPoolsTold));
  }

  void SetReceived(v1::Received* body) {
    SetUnits(body);
    if (!in_.Chance()) return;
    body->mutable_unit_cost()->set_amount(in_.Byte());
    body->mutable_unit_cost()->set_currency("GBP");
  }

  void SetMoved(v1::StockEvent* event) {
    event->mutable_moved()->set_location(Location());
    event->mutable_moved()->set_from_pool(Pick(kPoolsTold));
    event->mutable_moved()->set_to_pool(Pick(kPoolsTold));
    event->mutable_moved()->set_quantity(Quantity());
  }

  void SetTransfer(What what, v1::StockEvent* event) {
    const std::string id(Pick(kTransfers));
    if (what == What::kTransferClosed) {
      return event->mutable_transfer_closed()->set_transfer_id(id);
    }
    if (what == What::kTransferReceived) {
      auto* body = event->mutable_transfer_received();
      body->set_transfer_id(id);
      body->set_to(Location());
      body->set_quantity(Quantity());
      body->set_pool(Pick(kPoolsTold));
      return;
    }
    const auto set = [&](auto* body) {
      body->set_from(Location());
      body->set_to(Location());
      body->set_quantity(Quantity());
      body->set_pool(Pick(kPoolsTold));
    };
    if (what == What::kTransferred) return set(event->mutable_transferred());
    event->mutable_transfer_shipped()->set_transfer_id(id);
    set(event->mutable_transfer_shipped());
  }

  void SetDefined(v1::SkuDefined* body) {
    const int bits = in_.Byte();
    if ((bits & 1) != 0) body->set_tracking(v1::TRACKING_NON_INVENTORY);
    if ((bits & 2) != 0) body->set_sellable((bits & 4) != 0);
    body->set_discontinued((bits & 8) != 0);
    body->set_safety_stock(bits / 64);
    if ((bits & 16) != 0) body->set_title("t");
    if ((bits & 32) != 0) body->mutable_map()->set_currency("EUR");
  }

  void SetDefined(v1::LocationDefined* body) {
    body->set_location(Location());
    const int bits = in_.Byte();
    body->set_kind(static_cast<v1::SiteKind>((bits & 1) != 0 ? 0 : bits / 2 % 5));
    if ((bits & 16) != 0) body->set_sellable((bits & 32) != 0);
    if ((bits & 64) != 0) body->set_priority(bits % 3);
    if ((bits & 128) != 0) body->mutable_lead_time()->set_nanos(bits * 1'000);
  }

  void SetCopied(v1::LocationCopied* body) {
    body->mutable_cause()->set_offset(in_.Byte());
    if (made_.partitions > 1) body->mutable_cause()->set_partition(in_.Below(4));
    SetDefined(body->mutable_definition());
  }

  Input in_;
  FoldInput made_;
  bool copies_ = true;
  int64_t now_ = kStart;
};

}  // namespace

FoldInput TakeFoldInput(Input in) { return Maker(in).Make(); }

}  // namespace tallywire::fuzz
