// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_FOLD_READER_H_
#define TALLYWIRE_PROJECTOR_FOLD_READER_H_

// What the fold asks for that is not in memory. Thread-compatible.

#include <cstdint>
#include <optional>
#include <string_view>

#include "projector/fold/locations.h"
#include "projector/fold/state.h"

namespace tallywire {

// Looks up what is not in memory. An implementation that cannot read remembers its error and
// answers that there is nothing; who drives the fold asks it before anything goes out, and drops
// the state if there was one.
class FoldReader {
 public:
  virtual ~FoldReader() = default;
  // Fills a state whose `sku` is set. False: there is none.
  virtual bool LoadSku(Locations& locations, SkuState* state) = 0;
  virtual bool LoadTransfer(const TransferKey& key, TransferState* state) = 0;
  virtual bool LoadSource(std::string_view source, SequenceState* state) = 0;
  // The fingerprint remembered under an identity.
  virtual std::optional<uint64_t> FindIdentity(const Identity& identity) = 0;
  // Stored journal entries of a place, newest first, until `visit` returns false.
  using Visit = bool (*)(void* context, const JournalEntry& entry);
  virtual void WalkJournal(std::string_view sku, std::string_view location, Visit visit,
                           void* context) = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_FOLD_READER_H_
