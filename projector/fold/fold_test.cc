// SPDX-License-Identifier: Apache-2.0
// What the simulator cannot be expected to come by: accounts that are full at the wrong moment.
// Everything else of the fold is tested through the scenarios and tests/sim.

#include "projector/fold/fold.h"

#include <gtest/gtest.h>

#include <optional>

#include "ledger/limits.h"
#include "ledger/mark.h"
#include "projector/fold/reader.h"

namespace tallywire {
namespace {

// Nothing is stored.
class EmptyReader : public FoldReader {
 public:
  bool LoadSku(Locations&, SkuState*) override { return false; }
  bool LoadTransfer(const TransferKey&, TransferState*) override { return false; }
  bool LoadSource(std::string_view, SequenceState*) override { return false; }
  std::optional<uint64_t> FindIdentity(const Identity&) override { return std::nullopt; }
  void WalkJournal(std::string_view, std::string_view, Visit, void*) override {}
};

class FoldTest : public ::testing::Test {
 protected:
  Event Make(Body body, std::string_view id, Quantity quantity) {
    Event event;
    event.body = body;
    event.event_id = id;
    event.source = "test";
    event.sku = "A";
    event.location = "W1";
    event.quantity = quantity;
    return event;
  }
  Outcome Apply(const Event& event, Time stamp) {
    return fold_.Apply({state_.next_offset, stamp}, event);
  }
  Quantity Units(Pool pool) {
    const Place* place = fold_.FindSku("A")->places.Find(state_.locations.Find("W1"));
    return place->pools[static_cast<size_t>(Index(pool))];
  }

  FoldState state_;
  EmptyReader reader_;
  Fold fold_{&state_, &reader_};
};

TEST_F(FoldTest, ATimerThatCannotPostLeavesTheUnitsHeld) {
  const Time noon(1'772'366'400'000'000);
  // VARIANCE is as full as it can be.
  ASSERT_EQ(Apply(Make(Body::kAdjusted, "1", -kMaxQuantity), noon), Outcome::kApplied);
  Event count = Make(Body::kCounted, "2", 0);
  count.set = CountSet::kDamaged;
  ASSERT_EQ(Apply(count, noon + Seconds(10)), Outcome::kApplied);
  // Armed already due: what comes back occurred before the count, which had seen it.
  Event moved = Make(Body::kMoved, "3", 1);
  moved.pool = Pool::kDamaged;
  moved.to_pool = Pool::kHeld;
  moved.until = noon + Seconds(5);
  ASSERT_EQ(Apply(moved, noon + Seconds(20)), Outcome::kApplied);
  ASSERT_EQ(Units(Pool::kHeld), 1);
  Event ticked;
  ASSERT_EQ(Apply(ticked, noon + Seconds(21)), Outcome::kApplied);
  EXPECT_EQ(Units(Pool::kHeld), 1);
  EXPECT_EQ(Units(Pool::kDamaged), -1);
  EXPECT_EQ(state_.timers.size(), 0u);
  if (kMarksCount) {
    EXPECT_EQ(MarkCount("fold.timer-cannot-post"), 1);
  }
}

}  // namespace
}  // namespace tallywire
