// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/workload.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/limits.h"
#include "tests/sim/random.h"

namespace tallywire::sim {
namespace {

// 2026-03-01T12:00:00Z.
constexpr Time kStart{1'772'366'400'000'000};
constexpr Span kYear = Seconds(365 * 24 * 3'600);
constexpr int64_t kSecond = 1'000'000;

constexpr std::array kSkus = {"TEE", "MUG", "CAP", "PEN"};
// The first has everything inside it, the last is never defined.
constexpr std::array kLocations = {"W1", "W1/B1", "W1/B2", "W1/B2/C", "S1", "S1/X", "U9"};
constexpr std::array kSources = {"pos", "shop", "erp"};
constexpr std::array kTransfers = {"T1", "T2", "T3"};
constexpr std::array kChannels = {"web", "market"};
constexpr std::array kListingIds = {"L1", "L2", "L3"};
constexpr std::array kPoolsNamed = {v1::POOL_UNSPECIFIED, v1::POOL_AVAILABLE,
                                    v1::POOL_HELD,        v1::POOL_DAMAGED,
                                    v1::POOL_USED,        v1::POOL_QUALITY_CONTROL};
constexpr std::array kSets = {v1::COUNT_SET_UNSPECIFIED, v1::COUNT_SET_SHELF, v1::COUNT_SET_DAMAGED,
                              v1::COUNT_SET_USED, v1::COUNT_SET_QUALITY_CONTROL};

void SetTimestamp(Time time, google::protobuf::Timestamp* out) {
  out->set_seconds(time.value() / kSecond);
  out->set_nanos(static_cast<int32_t>(time.value() % kSecond * 1'000));
}

class Drawer {
 public:
  explicit Drawer(uint64_t seed) : random_(seed, "workload") {
    work_.facts = random_.Chance(20);
    work_.start = kStart;
    now_ = kStart;
    const size_t skus = 1 + random_.Below(kSkus.size());
    work_.skus.assign(kSkus.begin(), kSkus.begin() + static_cast<std::ptrdiff_t>(skus));
    locations_ = 2 + random_.Below(kLocations.size() - 1);
    if (random_.Chance(25)) {
      // Everything meets at one SKU and one site.
      work_.skus.resize(1);
      locations_ = 2;
    }
  }

  Workload Draw() {
    const int64_t steps = random_.Chance(80) ? random_.Between(10, 60) : random_.Between(60, 150);
    if (work_.facts) DefineFirst();
    while (static_cast<int64_t>(work_.ops.size()) < steps) {
      PassTime();
      DrawOp();
    }
    return std::move(work_);
  }

 private:
  using DrawBody = void (Drawer::*)(v1::StockEvent&);
  struct Kind {
    uint64_t weight;
    DrawBody draw;
  };

  void PassTime() {
    const uint64_t kind = random_.Below(20);
    const int64_t seconds = kind < 8    ? 0
                            : kind < 15 ? random_.Between(0, 5)
                            : kind < 18 ? random_.Between(5, 120)
                            : kind < 19 ? random_.Between(120, 7'200)
                                        : random_.Between(7'200, 200'000);
    now_ = now_ + Seconds(seconds) + Milliseconds(random_.Chance(30) ? random_.Between(0, 999) : 0);
  }

  Op& Add(Op::Kind kind) {
    Op& op = work_.ops.emplace_back();
    op.kind = kind;
    op.at = now_;
    op.settled = std::exchange(settle_next_, false);
    return op;
  }

  void DefineFirst() {
    for (size_t i = 0; i < locations_; ++i) {
      if (random_.Chance(25)) continue;
      v1::StockEvent event;
      DrawLocationDefined(event);
      event.mutable_location_defined()->set_location(kLocations[i]);
      SetEnvelope(event);
      Add(Op::Kind::kEvent).event = event;
    }
    settle_next_ = true;
  }

  void DrawOp() {
    const uint64_t kind = random_.Below(100);
    if (kind < 10 && !events_.empty()) return Repeat();
    if (kind < 17) return DrawNonsense();
    if (kind < 29) return DrawListing();
    v1::StockEvent event;
    DrawEvent(event);
    Keep(event);
    Add(Op::Kind::kEvent).event = std::move(event);
  }

  void Keep(const v1::StockEvent& event) { events_.push_back(event); }

  void DrawEvent(v1::StockEvent& event) {
    static constexpr std::array<Kind, 13> kKinds = {{
        {16, &Drawer::DrawReceived},
        {24, &Drawer::DrawSold},
        {5, &Drawer::DrawReturned},
        {13, &Drawer::DrawCounted},
        {6, &Drawer::DrawAdjusted},
        {8, &Drawer::DrawMoved},
        {5, &Drawer::DrawTransferred},
        {7, &Drawer::DrawTransferShipped},
        {7, &Drawer::DrawTransferReceived},
        {3, &Drawer::DrawTransferClosed},
        {5, &Drawer::DrawSkuDefined},
        {4, &Drawer::DrawSkuLocationSet},
        {7, &Drawer::DrawLocationDefined},
    }};
    uint64_t all = 0;
    for (const Kind& kind : kKinds) all += kind.weight;
    // The last defines locations, which has to be over before facts.
    if (work_.facts) all -= kKinds.back().weight;
    uint64_t at = random_.Below(all);
    for (const Kind& kind : kKinds) {
      if (at < kind.weight) {
        (this->*kind.draw)(event);
        break;
      }
      at -= kind.weight;
    }
    SetEnvelope(event);
  }

  // Identity, times and the source's number.
  void SetEnvelope(v1::StockEvent& event) {
    const size_t source = random_.Below(kSources.size());
    event.set_source(kSources[source]);
    event.set_event_id(absl::StrCat("e", ++ids_));
    if (!event.has_location_defined()) event.set_sku(random_.Pick(work_.skus));
    // The first numbers nothing, the second everything, the third now and then.
    if (source == 1 || (source == 2 && random_.Chance(50))) {
      uint64_t& highest = sequences_[source];
      const bool reused = highest > 0 && random_.Chance(6);
      event.set_sequence(reused ? 1 + random_.Below(highest) : highest += 1 + random_.Below(3));
      // Far above, so that what came before falls out of the window.
      if (random_.Chance(2)) event.set_sequence(highest += 1'100);
    }
    const std::optional<Time> occurred = DrawOccurred();
    if (occurred) SetTimestamp(*occurred, event.mutable_occurred_at());
    if (random_.Chance(5)) event.set_document("doc");
  }

  std::optional<Time> DrawOccurred() {
    const uint64_t kind = random_.Below(100);
    if (kind < 30 || (work_.facts && kind < 50)) return now_;
    if (kind < 50) return std::nullopt;
    // Just when something else did.
    if (kind < 70 && !times_.empty()) return random_.Pick(times_);
    Time time = now_ - Seconds(kind < 95 ? random_.Between(0, 600) : random_.Between(600, 300'000));
    if (kind >= 97 && !work_.facts) time = now_ + Seconds(random_.Between(1, 10'000));
    times_.push_back(time);
    return time;
  }

  const char* Location() { return kLocations[random_.Below(locations_)]; }
  v1::Pool DrawPool() {
    return random_.Chance(60) ? v1::POOL_UNSPECIFIED : random_.Pick(kPoolsNamed);
  }
  int64_t DrawQuantity() {
    if (random_.Chance(1)) return kMaxQuantity - random_.Between(0, 3);
    return random_.Between(1, 9);
  }

  void DrawReceived(v1::StockEvent& event) {
    v1::Received& body = *event.mutable_received();
    body.set_location(Location());
    body.set_quantity(DrawQuantity());
    body.set_pool(DrawPool());
    if (!random_.Chance(30)) return;
    body.mutable_unit_cost()->set_amount(random_.Between(0, 500));
    body.mutable_unit_cost()->set_currency(random_.Chance(80) ? "GBP" : "EUR");
  }
  void DrawSold(v1::StockEvent& event) {
    v1::Sold& body = *event.mutable_sold();
    body.set_location(Location());
    body.set_quantity(DrawQuantity());
    body.set_pool(random_.Chance(85) ? v1::POOL_UNSPECIFIED : DrawPool());
    if (!random_.Chance(30)) return;
    body.set_channel(random_.Pick(kChannels));
    body.set_listing(random_.Pick(kListingIds));
  }
  void DrawReturned(v1::StockEvent& event) {
    v1::Returned& body = *event.mutable_returned();
    body.set_location(Location());
    body.set_quantity(DrawQuantity());
    body.set_pool(DrawPool());
  }
  void DrawCounted(v1::StockEvent& event) {
    v1::Counted& body = *event.mutable_counted();
    body.set_location(Location());
    body.set_quantity(random_.Between(0, 12));
    body.set_set(random_.Chance(60) ? v1::COUNT_SET_UNSPECIFIED : random_.Pick(kSets));
  }
  void DrawAdjusted(v1::StockEvent& event) {
    v1::Adjusted& body = *event.mutable_adjusted();
    body.set_location(Location());
    body.set_pool(DrawPool());
    body.set_delta(random_.Chance(50) ? DrawQuantity() : -DrawQuantity());
    body.set_reason("broken");
  }
  void DrawMoved(v1::StockEvent& event) {
    v1::Moved& body = *event.mutable_moved();
    body.set_location(Location());
    body.set_quantity(DrawQuantity());
    if (random_.Chance(50)) {
      body.set_from_pool(v1::POOL_AVAILABLE);
      body.set_to_pool(v1::POOL_HELD);
    } else {
      body.set_from_pool(DrawPool());
      body.set_to_pool(random_.Pick(kPoolsNamed));
    }
    if (body.to_pool() != v1::POOL_HELD || !random_.Chance(60)) return;
    const Span away = work_.facts ? Span(10 * kYear.value()) : Seconds(random_.Between(-5, 400));
    SetTimestamp(now_ + away, body.mutable_until());
  }
  void DrawTransferred(v1::StockEvent& event) {
    v1::Transferred& body = *event.mutable_transferred();
    body.set_from(Location());
    body.set_to(Location());
    body.set_quantity(DrawQuantity());
    body.set_pool(DrawPool());
  }
  void DrawTransferShipped(v1::StockEvent& event) {
    v1::TransferShipped& body = *event.mutable_transfer_shipped();
    body.set_transfer_id(random_.Pick(kTransfers));
    body.set_from(Location());
    body.set_to(Location());
    body.set_quantity(DrawQuantity());
    body.set_pool(DrawPool());
  }
  void DrawTransferReceived(v1::StockEvent& event) {
    v1::TransferReceived& body = *event.mutable_transfer_received();
    body.set_transfer_id(random_.Pick(kTransfers));
    body.set_to(Location());
    body.set_quantity(DrawQuantity());
    body.set_pool(DrawPool());
  }
  void DrawTransferClosed(v1::StockEvent& event) {
    event.mutable_transfer_closed()->set_transfer_id(random_.Pick(kTransfers));
  }
  void DrawSkuDefined(v1::StockEvent& event) {
    v1::SkuDefined& body = *event.mutable_sku_defined();
    body.set_title(random_.Chance(50) ? "one" : "other");
    if (random_.Chance(25)) body.set_tracking(v1::TRACKING_NON_INVENTORY);
    if (random_.Chance(30)) body.set_sellable(random_.Chance(50));
    body.set_discontinued(random_.Chance(15));
    if (random_.Chance(40)) body.set_safety_stock(random_.Between(0, 4));
    if (!random_.Chance(15)) return;
    body.mutable_msrp()->set_amount(999);
    body.mutable_msrp()->set_currency("GBP");
  }
  void DrawSkuLocationSet(v1::StockEvent& event) {
    v1::SkuLocationSet& body = *event.mutable_sku_location_set();
    body.set_location(Location());
    if (random_.Chance(60)) body.set_sellable(random_.Chance(50));
    if (random_.Chance(50)) body.set_safety_stock(random_.Between(0, 3));
  }
  void DrawLocationDefined(v1::StockEvent& event) {
    v1::LocationDefined& body = *event.mutable_location_defined();
    body.set_location(Location());
    if (random_.Chance(75)) {
      body.set_kind(static_cast<v1::SiteKind>(random_.Between(1, 4)));
    }
    if (random_.Chance(30)) body.set_sellable(random_.Chance(60));
    if (random_.Chance(30)) body.set_priority(static_cast<int32_t>(random_.Between(-1, 3)));
    if (random_.Chance(20)) body.mutable_lead_time()->set_seconds(random_.Between(0, 100'000));
  }

  // The same once more; or under a known name something else.
  void Repeat() {
    v1::StockEvent event = random_.Pick(events_);
    const uint64_t kind = random_.Below(100);
    if (kind < 25 && !event.has_location_defined()) {
      const v1::StockEvent known = event;
      event.Clear();
      do {
        event.Clear();
        DrawEvent(event);
      } while (event.has_location_defined());
      event.set_event_id(known.event_id());
      event.set_source(known.source());
      event.set_sku(known.sku());
      if (known.has_sequence())
        event.set_sequence(known.sequence());
      else
        event.clear_sequence();
    } else if (kind < 30 && !work_.facts && event.has_sequence()) {
      // Its source breaks its promise: a new number for what it has said already.
      event.set_sequence(event.sequence() + random_.Below(3));
    } else if (kind < 35) {
      event.set_note("again");
    }
    Add(Op::Kind::kEvent).event = std::move(event);
  }

  void DrawNonsense() {
    v1::StockEvent event;
    DrawEvent(event);
    const uint64_t kind = random_.Below(10);
    if (kind < 5) Spoil(event);
    if (kind < 2) {
      // As a source that knows no better would send it: the appender says no.
      Add(Op::Kind::kEvent).event = std::move(event);
      return;
    }
    Op& op = Add(Op::Kind::kRaw);
    op.key = event.has_location_defined() ? event.location_defined().location() : event.sku();
    op.value = event.SerializeAsString();
    if (kind == 5) op.key = random_.Chance(50) ? "" : "OTHER";
    if (kind == 6 || kind == 7) op.partitions_off = 1 + static_cast<int32_t>(random_.Below(5));
    if (kind == 8) op.value = random_.Chance(50) ? "\xff\xfe garbage" : "";
    if (kind == 9) {
      // Envelope in headers, as CloudEvents has it.
      op.headers = {{"ce_id", event.event_id()}, {"ce_source", event.source()}, {"other", "x"}};
      event.clear_event_id();
      event.clear_source();
      op.value = event.SerializeAsString();
    }
    op.event = std::move(event);
  }

  // Breaks one rule of form.
  void Spoil(v1::StockEvent& event) {
    switch (random_.Below(8)) {
      case 0:
        event.mutable_sold()->set_location("W1");
        event.mutable_sold()->set_quantity(-random_.Between(0, 3));
        break;
      case 1:
        event.mutable_sold()->set_location("W1//B1");
        event.mutable_sold()->set_quantity(1);
        break;
      case 2:
        event.clear_body();
        break;
      case 3:
        event.clear_event_id();
        break;
      case 4:
        event.mutable_received()->set_location("W1");
        event.mutable_received()->set_quantity(1);
        event.mutable_received()->set_pool(v1::POOL_COMMITTED);
        break;
      case 5:
        event.mutable_received()->set_location("W1");
        event.mutable_received()->set_quantity(1);
        event.mutable_received()->set_pool(static_cast<v1::Pool>(77));
        break;
      case 6:
        event.mutable_ticked();
        break;
      default:
        event.mutable_occurred_at()->set_seconds(1);
        break;
    }
  }

  void DrawListing() {
    if (random_.Chance(12)) {
      Op& op = Add(Op::Kind::kRemoveListing);
      op.listing.set_channel(random_.Pick(kChannels));
      op.listing.set_listing_id(random_.Pick(kListingIds));
      return;
    }
    Op& op = Add(Op::Kind::kPutListing);
    v1::Listing& listing = op.listing;
    listing.set_channel(random_.Pick(kChannels));
    listing.set_listing_id(random_.Pick(kListingIds));
    listing.set_sku(random_.Pick(work_.skus));
    if (random_.Chance(30)) {
      listing.add_locations(Location());
      const std::string second = Location();
      if (second != listing.locations(0) && random_.Chance(50)) listing.add_locations(second);
    }
    if (random_.Chance(25)) listing.add_kinds(static_cast<v1::SiteKind>(random_.Between(1, 4)));
    if (random_.Chance(20))
      listing.add_pools(kPoolsNamed[1 + random_.Below(kPoolsNamed.size() - 1)]);
    if (random_.Chance(25)) listing.set_buffer(random_.Between(0, 3));
    if (random_.Chance(25)) listing.set_percent(static_cast<int32_t>(random_.Between(0, 105)));
    if (random_.Chance(35)) listing.set_max(random_.Between(0, 6));
    if (random_.Chance(6)) listing.set_fixed(random_.Between(0, 9));
    listing.set_paused(random_.Chance(8));
  }

  Random random_;
  Workload work_;
  Time now_;
  size_t locations_ = 0;
  int ids_ = 0;
  std::array<uint64_t, kSources.size()> sequences_{};
  std::vector<v1::StockEvent> events_;
  std::vector<Time> times_;
  bool settle_next_ = false;
};

}  // namespace

Workload DrawWorkload(uint64_t seed) { return Drawer(seed).Draw(); }

}  // namespace tallywire::sim
