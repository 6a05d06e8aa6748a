// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/event_mix.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace tallywire {
namespace {

constexpr double kTheta = 0.99;
constexpr int kIdCharacters = 16;
constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz012345";
static_assert(sizeof(kAlphabet) - 1 == 32, "five random bits choose a character");
constexpr int kSources = 40;

double Zeta(int64_t n, double theta) {
  double sum = 0;
  for (int64_t i = 1; i <= n; ++i) sum += std::pow(1.0 / static_cast<double>(i), theta);
  return sum;
}

// Which SKU has a rank: neighbours in rank are none in name.
int64_t Scatter(int64_t rank, int64_t skus) {
  return static_cast<int64_t>(static_cast<uint64_t>(rank) * 2'654'435'761u %
                              static_cast<uint64_t>(skus));
}

std::string SkuName(int64_t sku) { return absl::StrFormat("SKU-%07d", sku); }

}  // namespace

Zipf::Zipf(int64_t n, double theta) : n_(static_cast<double>(n)), theta_(theta) {
  zeta_n_ = Zeta(n, theta);
  eta_ = (1 - std::pow(2.0 / n_, 1 - theta)) / (1 - Zeta(2, theta) / zeta_n_);
}

int64_t Zipf::Rank(double uniform) const {
  const double uz = uniform * zeta_n_;
  if (uz < 1.0) return 0;
  if (uz < 1.0 + std::pow(0.5, theta_)) return std::min<int64_t>(1, static_cast<int64_t>(n_) - 1);
  const double rank = n_ * std::pow(eta_ * uniform - eta_ + 1, 1 / (1 - theta_));
  return std::clamp<int64_t>(static_cast<int64_t>(rank), 0, static_cast<int64_t>(n_) - 1);
}

void EncodedEvents::Clear() {
  bytes.clear();
  ends.clear();
  keys.clear();
}

EventMix::EventMix(int32_t skus, int32_t locations, uint64_t seed, bool stocked)
    : skus_(skus), locations_(locations), stocked_(stocked), zipf_(skus, kTheta), random_(seed) {
  for (int32_t i = 0; i < locations; ++i) location_names_.push_back(LocationName(i));
}

std::string EventMix::LocationName(int32_t location) const {
  return absl::StrFormat("WH%02d", location);
}

int64_t& EventMix::Balance(int64_t sku, int32_t location) {
  const int64_t key = sku * locations_ + location;
  const auto [found, made] = balances_.try_emplace(key, stocked_ ? kOpeningUnits : 0);
  if (made) opened_.push_back(key);
  return found->second;
}

void EventMix::FillCount(int64_t sku, int32_t location, v1::Counted* counted) {
  int64_t& balance = Balance(sku, location);
  // One in ten finds another number than the books; none finds fewer than none.
  if (Below(10) == 0) balance += Below(2) == 0 ? 1 : -1;
  balance = std::max<int64_t>(0, balance);
  counted->set_location(location_names_[static_cast<size_t>(location)]);
  counted->set_quantity(balance);
}

void EventMix::Fill(v1::StockEvent* event) {
  event->Clear();
  std::string& id = *event->mutable_event_id();
  for (int i = 0; i < kIdCharacters; i += 8) {
    uint64_t bits = random_();
    for (int j = 0; j < 8; ++j, bits >>= 5) id += kAlphabet[bits & 31];
  }
  const int64_t sku = Scatter(zipf_.Rank(Uniform()), skus_);
  event->set_sku(SkuName(sku));
  event->set_source(absl::StrFormat("pos-%02d", Below(kSources)));
  const int32_t location = Below(locations_);
  const std::string& name = location_names_[static_cast<size_t>(location)];
  const int32_t body = Below(100);
  if (body < 70) {
    const int32_t quantity = 1 + Below(2);
    event->mutable_sold()->set_location(name);
    event->mutable_sold()->set_quantity(quantity);
    event->mutable_sold()->set_channel("shop");
    Balance(sku, location) -= quantity;
  } else if (body < 85) {
    const int32_t quantity = 5 + Below(20);
    event->mutable_received()->set_location(name);
    event->mutable_received()->set_quantity(quantity);
    Balance(sku, location) += quantity;
  } else if (body < 95) {
    FillCount(sku, location, event->mutable_counted());
  } else {
    const int32_t to = (location + 1 + Below(locations_ - 1)) % locations_;
    event->mutable_transferred()->set_from(name);
    event->mutable_transferred()->set_to(location_names_[static_cast<size_t>(to)]);
    event->mutable_transferred()->set_quantity(1);
    --Balance(sku, location);
    ++Balance(sku, to);
  }
}

void EventMix::Next(size_t n, EncodedEvents* out) {
  out->Clear();
  opened_.clear();
  for (size_t i = 0; i < n; ++i) {
    Fill(&event_);
    Append(event_, out);
  }
}

void EventMix::Opening(EncodedEvents* out) {
  out->Clear();
  v1::StockEvent event;
  for (const int64_t key : opened_) {
    event.set_event_id(absl::StrFormat("opening-%d", key));
    event.set_source("opening");
    event.set_sku(SkuName(key / locations_));
    v1::Received* received = event.mutable_received();
    received->set_location(location_names_[static_cast<size_t>(key % locations_)]);
    received->set_quantity(kOpeningUnits);
    Append(event, out);
  }
}

void EventMix::Append(const v1::StockEvent& event, EncodedEvents* out) const {
  event.AppendToString(&out->bytes);
  out->ends.push_back(static_cast<uint32_t>(out->bytes.size()));
  out->keys.push_back(event.sku());
}

}  // namespace tallywire
