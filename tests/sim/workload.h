// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_WORKLOAD_H_
#define TALLYWIRE_TESTS_SIM_WORKLOAD_H_

// What the outside does in one run: events, nonsense and listings, drawn from a seed. Few names and
// small numbers, so that everything meets everything; some dozens of steps, so that a person can
// read a run that failed.
//
//   const Workload work = DrawWorkload(seed);
//   for (const Op& op : work.ops) … not before op.at …
//
// Pure functions of the seed.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/log.h"
#include "ledger/types.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire::sim {

// One step of the outside world.
struct Op {
  enum class Kind {
    kEvent,          // through the appender, which may refuse it
    kRaw,            // past the appender, straight into stock.events
    kPutListing,     // may be refused
    kRemoveListing,  // may be of what is not there
  };
  Kind kind = Kind::kEvent;
  // When it happens, if nothing holds it up.
  Time at;
  // It waits until all that came before it is at rest.
  bool settled = false;

  v1::StockEvent event;
  // Of kRaw. The partition is the key's own, and so many further.
  std::string key;
  std::string value;
  int32_t partitions_off = 0;
  std::vector<Header> headers;

  v1::Listing listing;
};

struct Workload {
  // Its events keep the conditions under which the content does not depend on partitions, batches
  // or faults: definitions first, times given and past, nothing due before the end.
  bool facts = false;
  Time start;
  std::vector<Op> ops;
  std::vector<std::string> skus;
};

Workload DrawWorkload(uint64_t seed);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_WORKLOAD_H_
