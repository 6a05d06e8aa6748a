// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_EMBEDDED_BATCH_H_
#define TALLYWIRE_LEDGER_EMBEDDED_BATCH_H_

// The memory of a RecordBatch that the embedded log fills: rows are copied once, into chunks that
// are used again from poll to poll, and so are the strings of headers.

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "ledger/log.h"

namespace tallywire {

class EmbeddedBatch {
 public:
  // The memory of `batch`; new if another implementation filled it, or a copy of it shares it.
  static EmbeddedBatch& Of(RecordBatch& batch);

  // Begin, then Add for each record, then Finish.
  void Begin(RecordBatch& batch);
  // False if the row does not decode.
  bool Add(Partition partition, Offset offset, std::string_view row);
  // Hands the records out; false if there are none.
  bool Finish(RecordBatch& batch);

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  std::string_view Copy(std::string_view row);

  std::vector<Record> records_;
  std::vector<Chunk> chunks_;
  size_t chunk_ = 0;  // the one that is being filled
  size_t used_ = 0;   // of it
  // Grows only; a record's headers are those after the ones of the record before it.
  std::vector<Header> headers_;
  size_t headers_used_ = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_EMBEDDED_BATCH_H_
