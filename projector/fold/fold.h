// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_FOLD_FOLD_H_
#define TALLYWIRE_PROJECTOR_FOLD_FOLD_H_

// The fold of one partition: takes records in their order and changes a FoldState by the rules of
// ledger/NUMBERS.md. Pure: what it does follows from the state and the records, and from nothing
// else; a record's stamp is the only clock.
//
//   Fold fold(partition, &state, &reader);
//   fold.Apply({offset, stamp}, event);        // kApplied, kDuplicate or kRefused
//   … fold.effects(): alerts, links, sweeps, SKUs touched; take them and Clear()
//
// Each record changes state as a whole or, refused, only moves time. Thread-compatible.

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/event.h"
#include "ledger/refused.h"
#include "ledger/types.h"
#include "projector/fold/reader.h"
#include "projector/fold/state.h"

namespace tallywire {

enum class Outcome { kApplied, kDuplicate, kRefused };

// Values are those of tallywire.v1.AlertKind.
enum class AlertKind {
  kConflictingDuplicate = 1,
  kSequenceReused,
  kUndefinedLocation,
  kOversold,
  kCountVariance,
  kLateMovement,
  kCountNearOthers,
  kTransferUnexpected,
  kClockSteppedBack,
  kWrongPartition,
};

// Something a person should know; which fields mean something is said at tallywire.v1.Alert.
struct AlertEffect {
  AlertKind kind = AlertKind::kConflictingDuplicate;
  Offset offset;
  int ordinal = 0;  // of this kind in this record
  Time log_time;
  std::string sku;
  std::string location;
  std::string source;
  std::string event_id;
  std::optional<Time> occurred_at;
  std::optional<Pool> pool;
  std::optional<CountSet> set;
  std::optional<Quantity> before;
  std::optional<Quantity> after;
  std::optional<Quantity> amount;
  std::optional<Span> lateness;
};

// A definition that every partition is to learn.
struct LinkEffect {
  std::string location;
  LocationDefinition definition;
  Offset cause;
};

// A copy that touched all rows on its path and inside it.
struct SweepEffect {
  std::string location;
  Offset offset;
};

// What followed from the records since the last Clear.
struct Effects {
  std::vector<AlertEffect> alerts;
  std::vector<LinkEffect> links;
  std::vector<SweepEffect> sweeps;
  std::vector<SkuState*> touched;  // each once, in the order first touched

  void Clear();
};

struct FoldRecord {
  Offset offset;
  Time stamp;
};

class Fold {
 public:
  // Both must outlive the fold.
  Fold(FoldState* state, FoldReader* reader);

  // Asks for the memory that records with these keys will look at: a fold waits for memory more
  // than for anything else, and for many places of it at once no longer than for one. Worth while
  // for kAhead or so; changes nothing.
  static constexpr size_t kAhead = 32;
  void Prefetch(std::span<const std::string_view> keys) const;
  // Folds a record whose form is right.
  Outcome Apply(const FoldRecord& record, const Event& event);
  // Folds one that the codec refused. `source` and `sku` as far as they can be read.
  void Refuse(const FoldRecord& record, RefusedReason reason, std::string_view source,
              std::string_view sku);
  // Why the last Apply refused.
  const Refusal& refusal() const { return refusal_; }

  Effects& effects() { return effects_; }

  // A SKU that has had an applied record; null: there is none. Lives until the next Evict.
  SkuState* FindSku(std::string_view sku);

  // After a checkpoint, with the effects taken: drops SKUs from memory that were not used lately
  // where there are more than `keep`.
  void Evict(size_t keep);

 private:
  // What one record does to balances: posted together or not at all.
  struct Delta {
    LocationId location;
    Pool pool;
    Quantity delta;
  };
  struct Plan {
    std::vector<Delta> deltas;  // one for each (location, pool), also of zero
    std::array<Quantity, kCounters> counters{};
    Time occurred_at;
    uint8_t what = 0;
    void Clear();
    void Add(LocationId location, Pool pool, Quantity delta);
    void Add(Counter counter, Quantity delta) {
      counters[static_cast<size_t>(Index(counter))] += delta;
    }
  };

  // Time, and the timers that it makes due (fold_time.cc).
  void Advance(const FoldRecord& record);
  void Fire(const TimerKey& key, const Timer& timer);

  // Identity (fold_identity.cc). True: the event is a duplicate.
  bool IsDuplicate(const Event& event);
  bool IsKnown(const Event& event, const std::optional<uint64_t>& seen);
  std::optional<uint64_t> FindSeen(const Identity& identity);
  SequenceState& Source(std::string_view source);
  void Remember(const Event& event);

  // Bodies (fold_bodies.cc). False: refused.
  bool ApplyBody(const Event& event);
  bool ApplyMovement(const Event& event);
  bool ApplyCount(const Event& event);
  bool ApplyTransferShipped(const Event& event);
  bool ApplyTransferReceived(const Event& event);
  bool ApplyTransferClosed(const Event& event);
  void ApplySkuDefined(const Event& event);
  void ApplySkuLocationSet(const Event& event);
  Outcome ApplyCopy(const Event& event);
  void PlanMovement(const Event& event);

  // Posting (fold_post.cc).
  // Takes back what newer counts have seen; true unless an account would go beyond its limit.
  bool Finish(SkuState& sku);
  bool FitsLimits(const SkuState& sku);
  // Writes the plan into balances and journal, and touches what it names.
  void Post(SkuState& sku, const Event* event);
  void PostPlace(SkuState& sku, LocationId location, const Event* event);
  void TakeBackSeen(SkuState& sku);
  void AlertOversold(const SkuState& sku, const Event& event);
  Quantity SiteNet(const SkuState& sku, LocationId site, Pool pool) const;
  // Movements of a set that occurred after `counted_at` and not after log time.
  Quantity MovedSince(const SkuState& sku, const Place& place, CountSet set, Time counted_at);

  SkuState& Sku(std::string_view sku);
  TransferState& Transfer(std::string_view sku, std::string_view id);
  void MarkDirty(SkuState& sku);
  void MarkDirty(const TransferKey& key, TransferState& transfer);
  void TouchSku(SkuState& sku, const Event* event);
  void SetTouch(Touch& touch, const Event* event);
  // What a Cause says of an event, and what it says in a journal entry; kept until the checkpoint.
  struct CauseTexts {
    std::string_view all;
    std::string_view entry;
  };
  CauseTexts CauseOf(const Event& event);
  Time Occurred(const Event& event) const;
  bool Refused(RefusedReason reason, std::string detail);
  AlertEffect& AddAlert(AlertKind kind, const Event* event, std::string_view sku,
                        std::string_view location);

  FoldState& state_;
  FoldReader& reader_;
  Effects effects_;
  Refusal refusal_;

  // Of the record being folded.
  Offset offset_;
  size_t first_alert_ = 0;
  Identity identity_;
  Offset cause_offset_{-1};  // whose cause_ it is
  CauseTexts cause_;
  Plan plan_;
  // What a newer count had seen of it.
  struct Late {
    LocationId location;
    CountSet set;
    Quantity net;
  };
  std::vector<Late> late_;
};

// The set whose sum a pool counts for; nothing for INCOMING (and COMMITTED, whose units are counted
// with the pool they came from).
std::optional<CountSet> SetOf(Pool pool);
// Where a count's variance goes.
Pool OwnPool(CountSet set);

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_FOLD_FOLD_H_
