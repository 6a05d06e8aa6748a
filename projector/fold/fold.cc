// SPDX-License-Identifier: Apache-2.0
#include "projector/fold/fold.h"

#include <algorithm>
#include <utility>

#include "ledger/limits.h"
#include "ledger/mark.h"

namespace tallywire {
namespace {

// A stamp this far behind log time is a clock set back, not two producers' race.
constexpr Span kStepBack = Seconds(3'600);

template <class T>
void PrefetchAll(const T& value) {
  const auto* const bytes = reinterpret_cast<const char*>(&value);
  for (size_t at = 0; at < sizeof(T); at += 64) __builtin_prefetch(bytes + at);
}

}  // namespace

void Effects::Clear() {
  alerts.clear();
  links.clear();
  sweeps.clear();
  for (SkuState* sku : touched) sku->touched = false;
  touched.clear();
}

Fold::Fold(FoldState* state, FoldReader* reader) : state_(*state), reader_(*reader) {}

void Fold::Prefetch(std::span<const std::string_view> keys) const {
  std::array<const SkuState*, kAhead> skus;
  for (; !keys.empty(); keys = keys.subspan(std::min(kAhead, keys.size()))) {
    const size_t n = std::min(kAhead, keys.size());
    for (size_t i = 0; i < n; ++i) state_.skus.prefetch(keys[i]);
    for (size_t i = 0; i < n; ++i) {
      const auto found = state_.skus.find(keys[i]);
      skus[i] = found == state_.skus.end() ? nullptr : found->second.get();
      if (skus[i] != nullptr) PrefetchAll(*skus[i]);
    }
    for (size_t i = 0; i < n; ++i) {
      if (skus[i] != nullptr) skus[i]->places.Prefetch();
    }
  }
}

Outcome Fold::Apply(const FoldRecord& record, const Event& event) {
  Advance(record);
  Outcome outcome = Outcome::kApplied;
  if (event.body == Body::kLocationCopied) {
    outcome = ApplyCopy(event);
  } else if (event.body != Body::kTicked) {
    if (IsDuplicate(event)) {
      outcome = Outcome::kDuplicate;
    } else if (!ApplyBody(event)) {
      outcome = Outcome::kRefused;
    } else {
      Remember(event);
    }
  }
  switch (outcome) {
    case Outcome::kApplied:
      ++state_.counts.applied;
      break;
    case Outcome::kDuplicate:
      ++state_.counts.duplicates;
      break;
    case Outcome::kRefused:
      ++state_.counts.refused;
      break;
  }
  return outcome;
}

void Fold::Refuse(const FoldRecord& record, RefusedReason reason, std::string_view source,
                  std::string_view sku) {
  Advance(record);
  ++state_.counts.refused;
  if (reason != RefusedReason::kWrongPartition) return;
  if (!state_.misplacing.insert(std::string(source)).second) return;
  state_.dirty_misplacing.emplace_back(source);
  AddAlert(AlertKind::kWrongPartition, nullptr, sku, "").source = source;
}

void Fold::Advance(const FoldRecord& record) {
  offset_ = record.offset;
  first_alert_ = effects_.alerts.size();
  state_.next_offset = record.offset.Next();
  if (record.stamp >= state_.log_time) {
    state_.log_time = record.stamp;
    state_.max_log_time = std::max(state_.max_log_time, state_.log_time);
  } else if (state_.log_time - record.stamp > kStepBack) {
    TW_MARK("fold.clock-stepped-back");
    const Span lateness = state_.log_time - record.stamp;
    state_.log_time = record.stamp;
    AddAlert(AlertKind::kClockSteppedBack, nullptr, "", "").lateness = lateness;
  }
  while (!state_.timers.empty() && state_.timers.begin()->first.due <= state_.log_time) {
    auto timer = state_.timers.extract(state_.timers.begin());
    state_.dirty_timers.push_back(timer.key());
    Fire(timer.key(), timer.mapped());
  }
}

void Fold::Fire(const TimerKey& key, const Timer& timer) {
  SkuState& sku = Sku(key.sku);
  const LocationId location = state_.locations.Intern(timer.location);
  const Place* place = sku.places.Find(location);
  const Quantity held =
      place == nullptr ? 0 : place->pools[static_cast<size_t>(Index(Pool::kHeld))];
  const Quantity there =
      place == nullptr ? 0 : place->pools[static_cast<size_t>(Index(timer.from_pool))];
  // A timer cannot be refused, so it never takes an account beyond its limit.
  const Quantity back =
      std::min({timer.quantity, std::max<Quantity>(held, 0), kMaxQuantity - there});
  if (back < timer.quantity) TW_MARK("fold.timer-finds-less");
  plan_.Clear();
  plan_.what = kJournalTimer;
  plan_.occurred_at = key.due;
  plan_.Add(location, Pool::kHeld, -back);
  plan_.Add(location, timer.from_pool, back);
  if (!Finish(sku)) {
    // Some counter account is full: the units stay held.
    TW_MARK("fold.timer-cannot-post");
    plan_.Clear();
    late_.clear();
    plan_.Add(location, Pool::kHeld, 0);
  }
  Post(sku, nullptr);
}

Outcome Fold::ApplyCopy(const Event& event) {
  switch (state_.locations.ApplyCopy(event.location, event.location_definition,
                                     event.cause_partition, event.cause_offset, offset_,
                                     state_.log_time)) {
    case Locations::CopyOutcome::kOld:
      TW_MARK("fold.copy-is-old");
      return Outcome::kDuplicate;
    case Locations::CopyOutcome::kSame:
      TW_MARK("fold.copy-says-the-same");
      return Outcome::kApplied;
    case Locations::CopyOutcome::kChanged:
      break;
  }
  effects_.sweeps.push_back({std::string(event.location), offset_});
  return Outcome::kApplied;
}

Time Fold::Occurred(const Event& event) const {
  return event.occurred_at.has_value() ? std::min(*event.occurred_at, state_.log_time)
                                       : state_.log_time;
}

bool Fold::Refused(RefusedReason reason, std::string detail) {
  refusal_ = Refusal{reason, std::move(detail)};
  return false;
}

AlertEffect& Fold::AddAlert(AlertKind kind, const Event* event, std::string_view sku,
                            std::string_view location) {
  int ordinal = 0;
  for (size_t i = first_alert_; i < effects_.alerts.size(); ++i) {
    if (effects_.alerts[i].kind == kind) ++ordinal;
  }
  AlertEffect& alert = effects_.alerts.emplace_back();
  alert.kind = kind;
  alert.offset = offset_;
  alert.ordinal = ordinal;
  alert.log_time = state_.log_time;
  alert.sku = sku;
  alert.location = location;
  if (event != nullptr) {
    alert.source = event->source;
    alert.event_id = event->event_id;
    alert.occurred_at = Occurred(*event);
  }
  return alert;
}

SkuState& Fold::Sku(std::string_view sku) {
  const auto found = state_.skus.find(sku);
  if (found != state_.skus.end()) {
    found->second->recent = true;
    return *found->second;
  }
  auto state = std::make_unique<SkuState>();
  state->sku = sku;
  reader_.LoadSku(state_.locations, state.get());
  SkuState& made = *state;
  state_.skus.emplace(made.sku, std::move(state));
  return made;
}

SkuState* Fold::FindSku(std::string_view sku) {
  SkuState& state = Sku(sku);
  if (state.touch.offset.value() >= 0) return &state;
  // Asking for what is not there leaves nothing behind.
  state_.skus.erase(sku);
  return nullptr;
}

void Fold::Evict(size_t keep) {
  for (int round = 0; round < 2 && state_.skus.size() > keep; ++round) {
    for (auto it = state_.skus.begin(); it != state_.skus.end();) {
      SkuState& sku = *it->second;
      if (sku.dirty || sku.touched || std::exchange(sku.recent, false)) {
        ++it;
      } else {
        TW_MARK("fold.sku-leaves-memory");
        state_.skus.erase(it++);
      }
      if (state_.skus.size() <= keep) break;
    }
  }
  state_.transfers.clear();
}

void Fold::MarkDirty(SkuState& sku) {
  if (sku.dirty) return;
  sku.dirty = true;
  state_.dirty_skus.push_back(&sku);
}

void Fold::TouchSku(SkuState& sku, const Event* event) {
  SetTouch(sku.touch, event);
  MarkDirty(sku);
  if (sku.touched) return;
  sku.touched = true;
  effects_.touched.push_back(&sku);
}

void Fold::SetTouch(Touch& touch, const Event* event) {
  touch.offset = offset_;
  touch.log_time = state_.log_time;
  if (event == nullptr) {
    touch.kind = CauseKind::kTimer;
    touch.cause.Clear();
    touch.occurred_at = Time();
    return;
  }
  touch.kind = CauseKind::kEvent;
  touch.occurred_at = Occurred(*event);
  touch.cause.Borrow(CauseOf(*event).all);
}

Fold::CauseTexts Fold::CauseOf(const Event& event) {
  if (cause_offset_ == offset_) return cause_;
  cause_offset_ = offset_;
  const std::array parts = {event.source, event.event_id, event.channel, event.listing};
  size_t size = parts.size();
  for (const std::string_view part : parts) size += part.size();
  char* const begin = state_.causes.Take(size);
  char* to = begin;
  for (const std::string_view part : parts) {
    to = std::copy(part.begin(), part.end(), to);
    *to++ = '\0';
  }
  cause_ = {{begin, size}, {begin, event.source.size() + event.event_id.size() + 2}};
  return cause_;
}

std::optional<CountSet> SetOf(Pool pool) {
  switch (pool) {
    case Pool::kAvailable:
    case Pool::kHeld:
      return CountSet::kShelf;
    case Pool::kDamaged:
      return CountSet::kDamaged;
    case Pool::kUsed:
      return CountSet::kUsed;
    case Pool::kQualityControl:
      return CountSet::kQualityControl;
    case Pool::kCommitted:
    case Pool::kIncoming:
      break;
  }
  return std::nullopt;
}

Pool OwnPool(CountSet set) {
  switch (set) {
    case CountSet::kShelf:
      return Pool::kAvailable;
    case CountSet::kDamaged:
      return Pool::kDamaged;
    case CountSet::kUsed:
      return Pool::kUsed;
    case CountSet::kQualityControl:
      return Pool::kQualityControl;
  }
  return Pool::kAvailable;
}

}  // namespace tallywire
