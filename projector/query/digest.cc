// SPDX-License-Identifier: Apache-2.0
#include "projector/query/digest.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/status.h"
#include "xxhash.h"

namespace tallywire {
namespace {

// Bytes that cannot be taken for others: every field has its length or a fixed width.
class Canonical {
 public:
  void Text(std::string_view text) {
    Number(static_cast<int64_t>(text.size()));
    bytes_.append(text);
  }
  void Number(int64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes_.push_back(static_cast<char>(static_cast<uint64_t>(number) >> shift));
    }
  }
  template <class T>
  void Maybe(const std::optional<T>& value) {
    Number(value.has_value() ? 1 : 0);
    if (value.has_value()) One(*value);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void One(bool value) { Number(value ? 1 : 0); }
  void One(int32_t value) { Number(value); }
  void One(int64_t value) { Number(value); }
  void One(Span value) { Number(value.value()); }
  void One(const Money& value) {
    Number(value.amount);
    Text(value.currency);
  }
  void One(const Coordinates& value) {
    Number(value.latitude_e7);
    Number(value.longitude_e7);
  }

  std::string bytes_;
};

bool AddBalances(const SkuState& sku, const Locations& locations, Canonical& out) {
  std::vector<std::tuple<std::string_view, size_t, Quantity>> balances;
  for (const Place& place : sku.places) {
    for (size_t p = 0; p < kPools; ++p) {
      if (place.pools[p] != 0) {
        balances.emplace_back(locations.at(place.location).name, p, place.pools[p]);
      }
    }
  }
  std::sort(balances.begin(), balances.end());
  out.Number(static_cast<int64_t>(balances.size()));
  for (const auto& [location, pool, quantity] : balances) {
    out.Text(location);
    out.Number(static_cast<int64_t>(pool));
    out.Number(quantity);
  }
  bool any = !balances.empty();
  for (const Quantity counter : sku.counters) {
    out.Number(counter);
    any = any || counter != 0;
  }
  return any;
}

bool AddDefinitions(const SkuState& sku, const Locations& locations, Canonical& out) {
  out.Number(sku.definition != nullptr ? 1 : 0);
  if (sku.definition != nullptr) {
    const SkuDefinition& d = *sku.definition;
    out.Text(d.title);
    out.Number(static_cast<int64_t>(d.tracking));
    out.Number(d.sellable ? 1 : 0);
    out.Number(d.discontinued ? 1 : 0);
    out.Number(d.safety_stock);
    out.Maybe(d.unit_cost);
    out.Maybe(d.msrp);
    out.Maybe(d.map);
  }
  std::vector<std::pair<std::string_view, const SkuLocation*>> rules;
  for (const PlaceRule& rule : sku.rules) {
    if (rule.rule == SkuLocation{}) continue;
    rules.emplace_back(locations.at(rule.location).name, &rule.rule);
  }
  std::sort(rules.begin(), rules.end());
  out.Number(static_cast<int64_t>(rules.size()));
  for (const auto& [location, rule] : rules) {
    out.Text(location);
    out.Maybe(rule->sellable);
    out.Maybe(rule->safety_stock);
  }
  return sku.definition != nullptr || !rules.empty();
}

void AddUnits(const std::map<std::string, Quantity>& units, Canonical& out) {
  out.Number(static_cast<int64_t>(units.size()));
  for (const auto& [location, quantity] : units) {
    out.Text(location);
    out.Number(quantity);
  }
}

}  // namespace

void ContentDigest::AddPart(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  low_ += hash.low64;
  high_ += hash.high64 + (low_ < hash.low64 ? 1 : 0);
}

absl::Status ContentDigest::AddSku(const SkuState& sku, const Locations& locations,
                                   const Store& store) {
  Canonical out;
  out.Text("sku");
  out.Text(sku.sku);
  bool any = AddBalances(sku, locations, out);
  any = AddDefinitions(sku, locations, out) || any;
  TW_RETURN_IF_ERROR(
      store.ReadTransfers(sku.sku, [&](std::string_view id, const TransferState& transfer) {
        if (transfer.outstanding.empty() && transfer.unexpected.empty()) return;
        any = true;
        out.Text(id);
        AddUnits(transfer.outstanding, out);
        AddUnits(transfer.unexpected, out);
      }));
  if (!any) return absl::OkStatus();
  ++skus_;
  AddPart(out.bytes());
  return absl::OkStatus();
}

void ContentDigest::AddLocation(std::string_view location, const LocationDefinition& definition) {
  Canonical out;
  out.Text("location");
  out.Text(location);
  out.Number(static_cast<int64_t>(definition.kind));
  out.Maybe(definition.sellable);
  out.Maybe(definition.priority);
  out.Maybe(definition.lead_time);
  out.Maybe(definition.coordinates);
  AddPart(out.bytes());
}

void ContentDigest::Add(const ContentDigest& other) {
  low_ += other.low_;
  high_ += other.high_ + (low_ < other.low_ ? 1 : 0);
  skus_ += other.skus_;
}

std::string ContentDigest::Hex() const { return absl::StrFormat("%016x%016x", high_, low_); }

}  // namespace tallywire
