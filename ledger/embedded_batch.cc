// SPDX-License-Identifier: Apache-2.0
#include "ledger/embedded_batch.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "ledger/log_rows.h"

namespace tallywire {
namespace {

constexpr size_t kChunkBytes = size_t{256} << 10;

// Tells our memory from that of another implementation.
struct Deleter {
  void operator()(EmbeddedBatch* batch) const { delete batch; }
};

}  // namespace

EmbeddedBatch& EmbeddedBatch::Of(RecordBatch& batch) {
  const bool ours = std::get_deleter<Deleter>(batch.memory) != nullptr;
  if (!ours || batch.memory.use_count() > 1) {
    batch.records.clear();
    batch.memory = std::shared_ptr<EmbeddedBatch>(new EmbeddedBatch, Deleter{});
  }
  return *static_cast<EmbeddedBatch*>(batch.memory.get());
}

void EmbeddedBatch::Begin(RecordBatch& batch) {
  // The vector goes to and fro, so that its memory is used again.
  records_ = std::move(batch.records);
  records_.clear();
  batch.records.clear();
  // Chunks made for a large record are not kept.
  std::erase_if(chunks_, [](const Chunk& chunk) { return chunk.size != kChunkBytes; });
  chunk_ = 0;
  used_ = 0;
  headers_used_ = 0;
}

std::string_view EmbeddedBatch::Copy(std::string_view row) {
  while (chunk_ < chunks_.size() && chunks_[chunk_].size - used_ < row.size()) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    const size_t size = std::max(kChunkBytes, row.size());
    chunks_.push_back({std::unique_ptr<char[]>(new char[size]), size});
  }
  char* const to = chunks_[chunk_].bytes.get() + used_;
  std::memcpy(to, row.data(), row.size());
  used_ += row.size();
  return {to, row.size()};
}

bool EmbeddedBatch::Add(Partition partition, Offset offset, std::string_view row) {
  RecordRow parts;
  if (!DecodeRecord(Copy(row), parts)) return false;
  Record record{partition, offset, parts.stamp, parts.key, parts.value, {}};
  if (parts.headers > 0) {
    if (headers_.size() < headers_used_ + parts.headers)
      headers_.resize(headers_used_ + parts.headers);
    const std::span<Header> headers = std::span(headers_).subspan(headers_used_, parts.headers);
    if (!DecodeHeaders(parts, headers)) return false;
    // Only the count holds until Finish: the vector may still move.
    record.headers = headers;
    headers_used_ += parts.headers;
  }
  records_.push_back(record);
  return true;
}

bool EmbeddedBatch::Finish(RecordBatch& batch) {
  const Header* next = headers_.data();
  for (Record& record : records_) {
    const size_t count = record.headers.size();
    if (count == 0) continue;
    record.headers = {next, count};
    next += count;
  }
  batch.records = std::move(records_);
  records_.clear();
  return !batch.records.empty();
}

}  // namespace tallywire
