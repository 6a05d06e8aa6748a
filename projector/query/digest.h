// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_QUERY_DIGEST_H_
#define TALLYWIRE_PROJECTOR_QUERY_DIGEST_H_

// What a ledger holds, as 128 bits: equal for the same events, however many partitions they lie on,
// in whatever batches they were folded, and in whatever order SKUs came. No offset, time, partition
// or event id is in it, and a zero balance counts as none.

#include <cstdint>
#include <string>

#include "projector/fold/locations.h"
#include "projector/fold/state.h"
#include "projector/store/store.h"

namespace tallywire {

class ContentDigest {
 public:
  // Transfers are read from the store, which holds all of the SKU.
  absl::Status AddSku(const SkuState& sku, const Locations& locations, const Store& store);
  void AddLocation(std::string_view location, const LocationDefinition& definition);
  // Sums do not care for order.
  void Add(const ContentDigest& other);
  std::string Hex() const;
  int64_t skus() const { return skus_; }

 private:
  void AddPart(std::string_view bytes);

  uint64_t high_ = 0;
  uint64_t low_ = 0;
  int64_t skus_ = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_QUERY_DIGEST_H_
