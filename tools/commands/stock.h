// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_STOCK_H_
#define TALLYWIRE_TOOLS_COMMANDS_STOCK_H_

// `stock` and `explain`: what there is, and how it came about.

#include <string>

#include "tools/commands/command.h"

namespace tallywire {

struct StockOptions {
  std::string sku;       // empty: all
  std::string location;  // empty: all
};

// NOT_FOUND: there is no such SKU, or none there.
Result RunStock(Context& context, const StockOptions& options);

struct ExplainOptions {
  std::string sku;
  std::string location;  // empty: all
  bool prove = false;    // fold the log anew instead of reading the journal
};

// kFindings: the entries do not add up to what `stock` shows.
Result RunExplain(Context& context, const ExplainOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_STOCK_H_
