// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_CRASH_STORY_H_
#define TALLYWIRE_TESTS_CRASH_STORY_H_

// What is done to a ledger that may die: a story told by a client that notes what was acknowledged
// and asks again for what was not, and what the ledger is in the end.
//
//   Client client(&story);
//   absl::Status status = client.Play(world);      // it died, or came to the end
//   world.Stop(); …; status = client.Play(world);  // goes on where it was
//   auto end = Look(world, client);
//
// One thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/types.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/listing.pb.h"
#include "tests/scenarios/world.h"

namespace tallywire::crash {

// What the client asks for at once. It waits for the answer, then the ledger has `turns` turns.
struct Step {
  Time at;
  std::vector<v1::StockEvent> events;
  std::optional<v1::Listing> listing;
  int turns = 1;
};
using Story = std::vector<Step>;

inline constexpr Time kStoryBegins = Time(int64_t{1'772'359'200} * 1'000'000);

// Some dozens of events of every kind and a few listings.
Story ShortStory();
// Some hundred steps, drawn from a seed.
Story LongStory(uint64_t seed);

class Client {
 public:
  explicit Client(const Story* story) : story_(*story) {}

  // Tells the rest of the story and lets the ledger come to rest. An error is the world's: the
  // client stands where it was.
  absl::Status Play(scenarios::World& world);
  // The same without the rest.
  absl::Status Tell(scenarios::World& world);

  // Every event that was acknowledged, and where.
  struct Acknowledged {
    std::string id;
    int32_t partition = 0;
    int64_t offset = 0;
  };
  const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }

  // To a file and back, for a client whose process dies with the ledger. Written at each
  // acknowledgement.
  void KeepIn(std::string file);
  void ReadFrom(const std::string& file);

 private:
  absl::Status Ask(scenarios::World& world, const Step& step);
  void Note();

  const Story& story_;
  size_t next_ = 0;
  bool event_done_ = false;  // of the step
  std::vector<Acknowledged> acknowledged_;
  std::string file_;
};

// A ledger at rest.
struct Ending {
  std::string digest;
  std::string rows;     // of every SKU, without versions
  std::string updates;  // the last of each listing, without versions
  std::vector<std::string> findings;
};
// `half`: an append may have been cut in two, so that a SKU's rows do without their TOTAL until
// they come again; readers wait for it. `thorough`: by folding everything anew, too.
absl::StatusOr<Ending> Look(scenarios::World& world, const Client& client, bool half,
                            bool thorough);

}  // namespace tallywire::crash

#endif  // TALLYWIRE_TESTS_CRASH_STORY_H_
