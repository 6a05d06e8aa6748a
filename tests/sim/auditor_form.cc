// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/auditor_form.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <set>

#include "ledger/types.h"

namespace tallywire::sim {
namespace {

constexpr size_t kMostReferenceBytes = 256;
constexpr size_t kMostTitleBytes = 1024;
constexpr size_t kMostEventBytes = 512 * 1024;
constexpr Micros kYear2000 = 946'684'800'000'000;

// The reasons that hold; the first in the order of their numbers is the one.
using Reasons = std::set<v1::RefusedReason>;

bool IsUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto first = static_cast<uint8_t>(text[i]);
    size_t more = 0;
    uint32_t code = first;
    if (first >= 0x80) {
      if (first < 0xc2 || first > 0xf4) return false;
      more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      code = first & (0x3fU >> more);
    }
    if (i + more >= text.size()) return false;
    for (size_t k = 1; k <= more; ++k) {
      const auto byte = static_cast<uint8_t>(text[i + k]);
      if (byte < 0x80 || byte > 0xbf) return false;
      code = code << 6 | (byte & 0x3fU);
    }
    if (more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) return false;
    if (more == 3 && (code < 0x10000 || code > 0x10ffff)) return false;
    i += more + 1;
  }
  return true;
}

// One number of base 128 off the front. False: there is none.
bool TakeNumber(std::string_view& bytes, uint64_t& number) {
  number = 0;
  for (int i = 0; i < 10 && !bytes.empty(); ++i) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    number |= uint64_t{byte & 0x7fU} << (7 * i);
    if (byte < 0x80) return true;
  }
  return false;
}

// A Schema Registry frame: 0, four bytes, how many numbers follow (zigzag), those, the message.
bool StripFrame(std::string_view& bytes) {
  if (bytes.empty() || bytes.front() != '\0') return true;
  if (bytes.size() < 5) return false;
  bytes.remove_prefix(5);
  uint64_t zigzag = 0;
  if (!TakeNumber(bytes, zigzag) || zigzag % 2 != 0) return false;
  for (uint64_t i = 0; i < zigzag / 2; ++i) {
    uint64_t index = 0;
    if (!TakeNumber(bytes, index)) return false;
  }
  return true;
}

// Looks at one field after the other, and writes what is left out.
class Form {
 public:
  explicit Form(Reasons& reasons) : reasons_(reasons) {}

  void Break(v1::RefusedReason reason) { reasons_.insert(reason); }
  void BreakIf(bool broken, v1::RefusedReason reason) {
    if (broken) Break(reason);
  }

  void Name(const std::string& name, bool required) {
    BreakIf(required && name.empty(), v1::REFUSED_REASON_MISSING_FIELD);
    BreakIf(!IsCleanName(name), v1::REFUSED_REASON_BAD_NAME);
    BreakIf(name.size() > kMostNameBytes, v1::REFUSED_REASON_BAD_VALUE);
  }
  void Location(const std::string& name) {
    Name(name, true);
    BreakIf(!name.empty() && !IsCleanLocation(name), v1::REFUSED_REASON_BAD_NAME);
  }
  void Reference(const std::string& text, size_t most = kMostReferenceBytes) {
    BreakIf(text.size() > most, v1::REFUSED_REASON_BAD_VALUE);
  }
  // Units from `least` on.
  void Units(bool given, int64_t units, int64_t least) {
    BreakIf(!given, v1::REFUSED_REASON_MISSING_FIELD);
    BreakIf(given && (units < least || units > kMostUnits), v1::REFUSED_REASON_BAD_QUANTITY);
  }
  v1::Pool Pool(v1::Pool pool) {
    BreakIf(!v1::Pool_IsValid(pool), v1::REFUSED_REASON_UNKNOWN_ENUM);
    BreakIf(pool == v1::POOL_COMMITTED || pool == v1::POOL_INCOMING,
            v1::REFUSED_REASON_POOL_NOT_ALLOWED);
    return pool == v1::POOL_UNSPECIFIED ? v1::POOL_AVAILABLE : pool;
  }
  // Cuts to microseconds.
  std::optional<Micros> Time(google::protobuf::Timestamp* time) {
    constexpr int64_t kFirst = -62'135'596'800;
    constexpr int64_t kLast = 253'402'300'799;
    if (time->seconds() < kFirst || time->seconds() > kLast || time->nanos() < 0 ||
        time->nanos() > 999'999'999) {
      Break(v1::REFUSED_REASON_BAD_VALUE);
      return std::nullopt;
    }
    time->set_nanos(time->nanos() / 1'000 * 1'000);
    return time->seconds() * 1'000'000 + time->nanos() / 1'000;
  }
  void Money(bool given, const v1::Money& money) {
    if (!given) return;
    BreakIf(money.amount() < 0, v1::REFUSED_REASON_BAD_VALUE);
    bool three_capitals = money.currency().size() == 3;
    for (const char c : money.currency()) three_capitals &= c >= 'A' && c <= 'Z';
    BreakIf(!three_capitals, v1::REFUSED_REASON_BAD_VALUE);
  }

 private:
  Reasons& reasons_;
};

void Look(v1::Received* body, Form& form) {
  form.Location(body->location());
  form.Units(body->has_quantity(), body->quantity(), 1);
  body->set_pool(form.Pool(body->pool()));
  form.Money(body->has_unit_cost(), body->unit_cost());
  form.Reference(body->purchase_order());
}

void Look(v1::Sold* body, Form& form) {
  form.Location(body->location());
  form.Units(body->has_quantity(), body->quantity(), 1);
  body->set_pool(form.Pool(body->pool()));
  form.Name(body->channel(), false);
  form.Name(body->listing(), false);
  form.Reference(body->order());
}

void Look(v1::Returned* body, Form& form) {
  form.Location(body->location());
  form.Units(body->has_quantity(), body->quantity(), 1);
  body->set_pool(form.Pool(body->pool()));
  form.Reference(body->order());
}

void Look(v1::Counted* body, Form& form) {
  form.Location(body->location());
  form.Units(body->has_quantity(), body->quantity(), 0);
  form.BreakIf(!v1::CountSet_IsValid(body->set()), v1::REFUSED_REASON_UNKNOWN_ENUM);
  if (body->set() == v1::COUNT_SET_UNSPECIFIED) body->set_set(v1::COUNT_SET_SHELF);
}

void Look(v1::Adjusted* body, Form& form) {
  form.Location(body->location());
  body->set_pool(form.Pool(body->pool()));
  form.Units(body->has_delta(), body->delta(), -kMostUnits);
  form.BreakIf(body->has_delta() && body->delta() == 0, v1::REFUSED_REASON_BAD_QUANTITY);
  form.BreakIf(body->reason().empty(), v1::REFUSED_REASON_MISSING_FIELD);
  form.Reference(body->reason());
}

void Look(v1::Moved* body, Form& form) {
  form.Location(body->location());
  body->set_from_pool(form.Pool(body->from_pool()));
  body->set_to_pool(form.Pool(body->to_pool()));
  form.BreakIf(body->from_pool() == body->to_pool(), v1::REFUSED_REASON_BAD_VALUE);
  form.Units(body->has_quantity(), body->quantity(), 1);
  form.Reference(body->reason());
  form.BreakIf(body->has_until() && body->to_pool() != v1::POOL_HELD, v1::REFUSED_REASON_BAD_VALUE);
  if (!body->has_until()) return;
  const auto until = form.Time(body->mutable_until());
  form.BreakIf(until.has_value() && *until < 0, v1::REFUSED_REASON_BAD_VALUE);
}

template <class Transfer>
void LookFromTo(Transfer* body, Form& form) {
  form.Location(body->from());
  form.Location(body->to());
  form.BreakIf(body->from() == body->to(), v1::REFUSED_REASON_BAD_VALUE);
}

void Look(v1::Transferred* body, Form& form) {
  LookFromTo(body, form);
  form.Units(body->has_quantity(), body->quantity(), 1);
  body->set_pool(form.Pool(body->pool()));
}

void Look(v1::TransferShipped* body, Form& form) {
  form.Name(body->transfer_id(), true);
  LookFromTo(body, form);
  form.Units(body->has_quantity(), body->quantity(), 1);
  body->set_pool(form.Pool(body->pool()));
}

void Look(v1::TransferReceived* body, Form& form) {
  form.Name(body->transfer_id(), true);
  form.Location(body->to());
  form.Units(body->has_quantity(), body->quantity(), 1);
  body->set_pool(form.Pool(body->pool()));
}

void Look(v1::TransferClosed* body, Form& form) { form.Name(body->transfer_id(), true); }

void Look(v1::SkuDefined* body, Form& form) {
  form.Reference(body->title(), kMostTitleBytes);
  form.BreakIf(!v1::Tracking_IsValid(body->tracking()), v1::REFUSED_REASON_UNKNOWN_ENUM);
  if (body->tracking() == v1::TRACKING_UNSPECIFIED) body->set_tracking(v1::TRACKING_TRACKED);
  if (!body->has_sellable()) body->set_sellable(true);
  form.Units(true, body->safety_stock(), 0);
  form.Money(body->has_unit_cost(), body->unit_cost());
  form.Money(body->has_msrp(), body->msrp());
  form.Money(body->has_map(), body->map());
}

void Look(v1::SkuLocationSet* body, Form& form) {
  form.Location(body->location());
  if (body->has_safety_stock()) form.Units(true, body->safety_stock(), 0);
}

void Look(v1::LocationDefined* body, Form& form) {
  form.Location(body->location());
  form.BreakIf(!v1::SiteKind_IsValid(body->kind()), v1::REFUSED_REASON_UNKNOWN_ENUM);
  if (body->has_lead_time()) {
    constexpr int64_t kLongest = 315'576'000'000;
    auto* time = body->mutable_lead_time();
    form.BreakIf(time->seconds() < 0 || time->seconds() > kLongest || time->nanos() < 0 ||
                     time->nanos() > 999'999'999,
                 v1::REFUSED_REASON_BAD_VALUE);
    time->set_nanos(time->nanos() / 1'000 * 1'000);
  }
  if (body->has_coordinates()) {
    const int64_t latitude = body->coordinates().latitude_e7();
    const int64_t longitude = body->coordinates().longitude_e7();
    form.BreakIf(latitude < -900'000'000 || latitude > 900'000'000, v1::REFUSED_REASON_BAD_VALUE);
    form.BreakIf(longitude < -1'800'000'000 || longitude > 1'800'000'000,
                 v1::REFUSED_REASON_BAD_VALUE);
  }
}

void LookCopied(v1::LocationCopied* body, int32_t partition, int32_t partitions, Form& form) {
  form.BreakIf(!body->has_cause() || !body->has_definition(), v1::REFUSED_REASON_MISSING_FIELD);
  form.BreakIf(body->target_partition() != partition, v1::REFUSED_REASON_NOT_ALLOWED);
  form.BreakIf(body->cause().partition() < 0 || body->cause().partition() >= partitions,
               v1::REFUSED_REASON_NOT_ALLOWED);
  form.BreakIf(body->cause().offset() < 0, v1::REFUSED_REASON_BAD_VALUE);
  if (body->has_definition()) Look(body->mutable_definition(), form);
}

void LookBody(const LogRecord& record, int32_t partitions, v1::StockEvent* event, Form& form) {
  switch (event->body_case()) {
    case v1::StockEvent::kReceived:
      return Look(event->mutable_received(), form);
    case v1::StockEvent::kSold:
      return Look(event->mutable_sold(), form);
    case v1::StockEvent::kReturned:
      return Look(event->mutable_returned(), form);
    case v1::StockEvent::kCounted:
      return Look(event->mutable_counted(), form);
    case v1::StockEvent::kAdjusted:
      return Look(event->mutable_adjusted(), form);
    case v1::StockEvent::kMoved:
      return Look(event->mutable_moved(), form);
    case v1::StockEvent::kTransferred:
      return Look(event->mutable_transferred(), form);
    case v1::StockEvent::kTransferShipped:
      return Look(event->mutable_transfer_shipped(), form);
    case v1::StockEvent::kTransferReceived:
      return Look(event->mutable_transfer_received(), form);
    case v1::StockEvent::kTransferClosed:
      return Look(event->mutable_transfer_closed(), form);
    case v1::StockEvent::kSkuDefined:
      return Look(event->mutable_sku_defined(), form);
    case v1::StockEvent::kSkuLocationSet:
      return Look(event->mutable_sku_location_set(), form);
    case v1::StockEvent::kLocationDefined:
      return Look(event->mutable_location_defined(), form);
    case v1::StockEvent::kLocationCopied:
      return LookCopied(event->mutable_location_copied(), record.partition, partitions, form);
    case v1::StockEvent::kTicked:
      return;
    case v1::StockEvent::BODY_NOT_SET:
      return form.Break(v1::REFUSED_REASON_UNKNOWN_BODY);
  }
}

// What CloudEvents headers say counts where the body says nothing, and is not looked at elsewhere.
void FillFromHeaders(const LogRecord& record, Told& told, Form& form) {
  v1::StockEvent& event = told.event;
  const std::string id(record.HeaderValue("ce_id"));
  const std::string source(record.HeaderValue("ce_source"));
  const std::string_view time = record.HeaderValue("ce_time");
  if (event.event_id().empty()) {
    form.BreakIf(!IsUtf8(id), v1::REFUSED_REASON_UNDECODABLE);
    event.set_event_id(id);
  }
  if (event.source().empty()) {
    form.BreakIf(!IsUtf8(source), v1::REFUSED_REASON_UNDECODABLE);
    event.set_source(source);
  }
  if (event.has_occurred_at()) {
    told.occurred_at = form.Time(event.mutable_occurred_at());
    return;
  }
  if (time.empty()) return;
  const auto parsed = ParseTime(time);
  form.BreakIf(!parsed.has_value(), v1::REFUSED_REASON_BAD_VALUE);
  if (!parsed.has_value()) return;
  told.occurred_at = parsed->value();
  // Floored, so that times before 1970 are well formed too; they are refused anyway.
  int64_t seconds = parsed->value() / 1'000'000;
  if (parsed->value() % 1'000'000 < 0) --seconds;
  event.mutable_occurred_at()->set_seconds(seconds);
  event.mutable_occurred_at()->set_nanos(
      static_cast<int32_t>(parsed->value() - seconds * 1'000'000) * 1'000);
}

void LookEnvelope(const LogRecord& record, int32_t partitions, Told& told, Form& form) {
  FillFromHeaders(record, told, form);
  const v1::StockEvent& event = told.event;
  form.Name(event.event_id(), true);
  form.Name(event.source(), true);
  const bool place = event.has_location_defined();
  form.Name(event.sku(), !place);
  form.BreakIf(place && !event.sku().empty(), v1::REFUSED_REASON_BAD_VALUE);
  form.BreakIf(told.occurred_at.has_value() && *told.occurred_at < kYear2000,
               v1::REFUSED_REASON_BAD_VALUE);
  form.Reference(event.actor());
  form.Reference(event.document());
  form.Reference(event.note());
  const std::string& about = place ? event.location_defined().location() : event.sku();
  form.BreakIf(record.key != about, v1::REFUSED_REASON_WRONG_KEY);
  form.BreakIf(record.partition != HomeOf(record.key, partitions),
               v1::REFUSED_REASON_WRONG_PARTITION);
}

}  // namespace

bool IsCleanName(std::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<uint8_t>(name[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    // U+0080 to U+009F are c2 80 to c2 9f.
    if (byte == 0xc2 && i + 1 < name.size() && static_cast<uint8_t>(name[i + 1]) < 0xa0) {
      return false;
    }
  }
  return true;
}

bool IsCleanLocation(std::string_view name) {
  const std::string walled = "/" + std::string(name) + "/";
  return IsCleanName(name) && walled.find("//") == std::string::npos;
}

int32_t HomeOf(std::string_view key, int32_t partitions) {
  constexpr uint32_t kM = 0x5bd1e995;
  const auto at = [key](size_t i) { return uint32_t{static_cast<uint8_t>(key[i])}; };
  uint32_t h = 0x9747b28c ^ static_cast<uint32_t>(key.size());
  size_t i = 0;
  for (; i + 4 <= key.size(); i += 4) {
    uint32_t k = at(i) + (at(i + 1) << 8) + (at(i + 2) << 16) + (at(i + 3) << 24);
    k *= kM;
    k ^= k >> 24;
    h = (h * kM) ^ (k * kM);
  }
  if (i < key.size()) {
    uint32_t rest = 0;
    for (size_t k = key.size(); k > i; --k) rest = rest << 8 | at(k - 1);
    h = (h ^ rest) * kM;
  }
  h = (h ^ h >> 13) * kM;
  h ^= h >> 15;
  return static_cast<int32_t>((h & 0x7fffffff) % static_cast<uint32_t>(partitions));
}

std::string Told::Content() const {
  v1::StockEvent content = event;
  content.clear_sequence();
  return content.SerializeAsString();
}

Told ReadTold(const LogRecord& record, int32_t partitions) {
  const google::protobuf::LogSilencer silencer;
  Told told;
  if (record.value.size() > kMostEventBytes) {
    told.refused = v1::REFUSED_REASON_TOO_LARGE;
    return told;
  }
  std::string_view bytes = record.value;
  if (!StripFrame(bytes) ||
      !told.event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    told.refused = v1::REFUSED_REASON_UNDECODABLE;
    return told;
  }
  told.event.DiscardUnknownFields();
  Reasons reasons;
  Form form(reasons);
  LookBody(record, partitions, &told.event, form);
  if (!told.IsLinked()) LookEnvelope(record, partitions, told, form);
  if (!reasons.empty()) told.refused = *reasons.begin();
  return told;
}

}  // namespace tallywire::sim
