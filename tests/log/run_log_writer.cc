// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "ledger/status.h"
#include "tests/log_conformance.h"

namespace tallywire {

absl::Status RunLogWriter(Log& log, std::string_view topic, Partition partition,
                          int64_t first_number, std::FILE* out) {
  int64_t number = first_number;
  for (int64_t round = 0;; ++round) {
    const size_t count = 1 + static_cast<size_t>(round * 7 % 9);
    std::vector<std::string> values;
    for (size_t i = 0; i < count; ++i)
      values.push_back(std::to_string(number + static_cast<int64_t>(i)));
    std::vector<NewRecord> records;
    for (const std::string& value : values) records.push_back({topic, partition, "key", value, {}});
    TW_ASSIGN_OR_RETURN(const std::vector<Appended> appended, log.Append(records));
    for (const Appended& a : appended) {
      std::fprintf(out, "%lld %lld\n", static_cast<long long>(number++),
                   static_cast<long long>(a.offset.value()));
    }
    std::fflush(out);
  }
}

}  // namespace tallywire
