// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_STORE_DESCRIBE_H_
#define TALLYWIRE_PROJECTOR_STORE_DESCRIBE_H_

// Rows in words, for a person who looks for what is wrong: differences, errors, tests.

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tallywire::store {

// `place A1 at WH1/B2`; bytes in hexadecimal digits if it is no key of ours.
std::string DescribeKey(std::string_view key);

// `AVAILABLE 5, HELD 2; touched at offset 17 …`: all that the row says. Bytes in hexadecimal
// digits if it makes no sense.
std::string DescribeRow(std::string_view key, std::string_view row);

// DATA_LOSS that names folder, table and key, and says what to do.
absl::Status DamagedRow(std::string_view folder, std::string_view key);

}  // namespace tallywire::store

#endif  // TALLYWIRE_PROJECTOR_STORE_DESCRIBE_H_
