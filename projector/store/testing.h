// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_STORE_TESTING_H_
#define TALLYWIRE_PROJECTOR_STORE_TESTING_H_

// For tests and benchmarks of the store: folders that go away, and states that are changed as a
// fold changes them, by hand or at random.

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "projector/fold/state.h"
#include "projector/store/store.h"

namespace tallywire::store {

// A folder's name, not yet made; what is in it goes away with this.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string base_;
  std::string path_;
};

StoreIdentity TestIdentity();
// `source` and `event_id` as a cause has them.
std::string CauseOf(std::string_view source, std::string_view event_id);

// Changes a state as a fold does: what it changes is dirty. Each of the first group is made if it
// is not there.
SkuState& SkuOf(FoldState& state, std::string_view sku);
Place& PlaceOf(FoldState& state, std::string_view sku, std::string_view location);
PlaceRule& RuleOf(FoldState& state, std::string_view sku, std::string_view location);
TransferState& TransferOf(FoldState& state, std::string_view sku, std::string_view id);
JournalEntry& AddEntry(FoldState& state, std::string_view sku, std::string_view location,
                       Offset offset);
void ArmTimer(FoldState& state, const TimerKey& key, const Timer& timer);
void EndTimer(FoldState& state, const TimerKey& key);
void NumberSource(FoldState& state, std::string_view source, uint64_t sequence,
                  const Identity& identity);

// Every row of the fold in words, by the words of its key: of a store in `folder` that is closed.
std::map<std::string, std::string> DumpRows(const std::string& folder);
// What LoadSku, or memory, knows of a SKU, in words that do not depend on any order.
std::string Words(const Locations& locations, const SkuState& sku);

// Folds made-up records: the same seed, the same changes.
class RandomFold {
 public:
  explicit RandomFold(uint64_t seed) : random_(seed) {}
  void Step(FoldState& state);

  // Everything that was ever made, for questions.
  const std::map<std::string, std::vector<JournalEntry>>& journal() const { return journal_; }
  const std::map<Identity, uint64_t>& identities() const { return identities_; }

 private:
  uint64_t Below(uint64_t end) { return random_() % end; }
  bool Chance(uint64_t percent) { return Below(100) < percent; }
  std::string AnySku() { return "sku " + std::to_string(Below(12)); }
  std::string AnyLocation();
  Touch AnyTouch();
  void ChangePlace(FoldState& state);
  void ChangeOthers(FoldState& state);

  std::mt19937_64 random_;
  int64_t offset_ = 0;
  int64_t time_ = 1'700'000'000'000'000;
  std::map<std::string, std::vector<JournalEntry>> journal_;  // by SKU, a zero byte, location
  std::map<Identity, uint64_t> identities_;
};

}  // namespace tallywire::store

#endif  // TALLYWIRE_PROJECTOR_STORE_TESTING_H_
