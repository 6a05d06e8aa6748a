// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SCENARIOS_AUDIT_H_
#define TALLYWIRE_TESTS_SCENARIOS_AUDIT_H_

// What has to hold in every world at rest, whatever a scenario was about: looks at every record
// that ever went out, and at what the projector answers.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/scenarios/world.h"

namespace tallywire::scenarios {

// Sentences that say what does not hold; none: all does. `thorough` folds the log anew as well.
//
// stock.availability: rows of a SKU stand together, TOTAL last and not older than any; one (key,
// version) never has two bodies; each key ends with what the projector answers. Alerts: one id, one
// body. Dead letters: as they came. Listing updates: versions never fall, equal ones are equal.
// Journal: it ends with the balances of the rows.
//
// `whole_appends`: no append was ever cut in two; else a TOTAL may be missing where it was, and who
// reads waits for it to come again.
absl::StatusOr<std::vector<std::string>> Audit(World& world, bool thorough,
                                               bool whole_appends = true);

}  // namespace tallywire::scenarios

#endif  // TALLYWIRE_TESTS_SCENARIOS_AUDIT_H_
