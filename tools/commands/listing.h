// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_LISTING_H_
#define TALLYWIRE_TOOLS_COMMANDS_LISTING_H_

// `listing put|get|remove|list`: what is offered on which channel, and how many units it may show.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/commands/command.h"

namespace tallywire {

struct ListingName {
  std::string channel;
  std::string listing_id;
};

struct PutListingOptions {
  ListingName name;
  std::string sku;
  std::vector<std::string> locations;
  std::vector<std::string> kinds;  // names of SiteKind, with or without prefix, large or small
  std::vector<std::string> pools;  // names of Pool, likewise
  int64_t buffer = 0;
  std::optional<int32_t> percent;
  std::optional<int64_t> max;
  std::optional<int64_t> fixed;
  bool paused = false;
};

Result RunPutListing(Context& context, const PutListingOptions& options);
Result RunGetListing(Context& context, const ListingName& name);
Result RunRemoveListing(Context& context, const ListingName& name);
Result RunListListings(Context& context);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_LISTING_H_
