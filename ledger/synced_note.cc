// SPDX-License-Identifier: Apache-2.0
#include "ledger/synced_note.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace tallywire {
namespace {

constexpr size_t kHalf = sizeof(uint64_t);
// The number, little-endian, and all its bits turned over.
using Bytes = std::array<unsigned char, 2 * kHalf>;

Bytes Encode(uint64_t number) {
  Bytes bytes;
  for (size_t i = 0; i < kHalf; ++i) {
    bytes[i] = static_cast<unsigned char>(number >> (8 * i));
    bytes[kHalf + i] = static_cast<unsigned char>(~bytes[i]);
  }
  return bytes;
}

std::optional<uint64_t> Decode(const Bytes& bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < kHalf; ++i) number |= uint64_t{bytes[i]} << (8 * i);
  if (bytes != Encode(number)) return std::nullopt;
  return number;
}

}  // namespace

SyncedNote::SyncedNote(const std::string& folder) : path_(folder + "/SYNCED") {}

SyncedNote::~SyncedNote() {
  if (fd_ >= 0) close(fd_);
}

std::optional<uint64_t> SyncedNote::Read() const {
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  Bytes bytes;
  const ssize_t read = pread(fd, bytes.data(), bytes.size(), 0);
  close(fd);
  if (read != static_cast<ssize_t>(bytes.size())) return std::nullopt;
  return Decode(bytes);
}

void SyncedNote::Write(uint64_t number) {
  const std::lock_guard lock(mu_);
  if (number <= written_) return;
  if (fd_ < 0) fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) return;
  const Bytes bytes = Encode(number);
  if (pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size())) {
    written_ = number;
  }
}

}  // namespace tallywire
