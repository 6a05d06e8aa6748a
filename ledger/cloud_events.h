// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_CLOUD_EVENTS_H_
#define TALLYWIRE_LEDGER_CLOUD_EVENTS_H_

// The CloudEvents headers of an event's record, by which other programs know what it is without
// decoding it. The body has all of it too; the codec reads the headers only where the body lacks
// it.

#include <array>
#include <string_view>

#include "ledger/log.h"

namespace tallywire {

inline constexpr std::string_view kCeId = "ce_id";
inline constexpr std::string_view kCeSource = "ce_source";
inline constexpr std::string_view kCeSpecVersion = "ce_specversion";
inline constexpr std::string_view kCeType = "ce_type";
inline constexpr std::string_view kContentType = "content-type";

inline constexpr std::string_view kCeSpecVersion10 = "1.0";
inline constexpr std::string_view kCeTypeStockEvent = "tallywire.v1.StockEvent";
inline constexpr std::string_view kContentTypeProtobuf = "application/protobuf";

using CloudEventHeaders = std::array<Header, 5>;

// Fills `headers`; what is always the same is set only if it is not there yet, so that headers
// that are used again cost two copies.
inline void SetCloudEvent(std::string_view id, std::string_view source,
                          CloudEventHeaders& headers) {
  if (headers[0].name.empty()) {
    headers = {{{std::string(kCeId), ""},
                {std::string(kCeSource), ""},
                {std::string(kCeSpecVersion), std::string(kCeSpecVersion10)},
                {std::string(kCeType), std::string(kCeTypeStockEvent)},
                {std::string(kContentType), std::string(kContentTypeProtobuf)}}};
  }
  headers[0].value.assign(id);
  headers[1].value.assign(source);
}

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_CLOUD_EVENTS_H_
