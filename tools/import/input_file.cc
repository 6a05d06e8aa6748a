// SPDX-License-Identifier: Apache-2.0
#include "tools/import/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

constexpr size_t kPackedChunk = 128 * 1024;
constexpr size_t kLongestMagic = 4;
// Added to the window bits, this tells zlib to expect a gzip header.
constexpr int kGzipWindowBits = 15 + 16;

enum class Packing { kPlain, kGzip, kZstd };

Packing PackingOf(const std::vector<char>& bytes, size_t size) {
  auto begins = [&](std::initializer_list<unsigned char> magic) {
    return size >= magic.size() &&
           std::equal(magic.begin(), magic.end(), bytes.begin(),
                      [](unsigned char m, char b) { return m == static_cast<unsigned char>(b); });
  };
  if (begins({0x1f, 0x8b})) return Packing::kGzip;
  if (begins({0x28, 0xb5, 0x2f, 0xfd})) return Packing::kZstd;
  return Packing::kPlain;
}

}  // namespace

struct InputFile::Impl {
  ~Impl() {
    if (inflating) inflateEnd(&zlib);
    ZSTD_freeDStream(zstd);
    if (descriptor >= 0) close(descriptor);
  }

  absl::Status Damaged(const std::string& how) const {
    return absl::DataLossError(absl::StrCat(path, ": ", how, " near byte ", position));
  }

  // Fills `packed` anew; afterwards begin == end at the end of the file.
  absl::Status Fill() {
    begin = end = 0;
    while (end < kLongestMagic) {
      ssize_t n = read(descriptor, packed.data() + end, packed.size() - end);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return absl::InternalError(absl::StrCat(path, ": ", std::strerror(errno)));
      if (n == 0) break;
      end += static_cast<size_t>(n);
      position += n;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> ReadPlain(char* buffer, size_t wanted) {
    size_t n = std::min(wanted, end - begin);
    std::copy_n(packed.data() + begin, n, buffer);
    begin += n;
    return n;
  }

  absl::StatusOr<size_t> ReadGzip(char* buffer, size_t wanted) {
    zlib.next_in = reinterpret_cast<Bytef*>(packed.data() + begin);
    zlib.avail_in = static_cast<uInt>(end - begin);
    zlib.next_out = reinterpret_cast<Bytef*>(buffer);
    zlib.avail_out = static_cast<uInt>(wanted);
    if (between) {
      if (inflateReset(&zlib) != Z_OK) return absl::InternalError("zlib cannot begin again");
      between = false;
    }
    int result = inflate(&zlib, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return Damaged(zlib.msg != nullptr ? zlib.msg : "not gzip");
    }
    between = result == Z_STREAM_END;
    begin = end - zlib.avail_in;
    return wanted - zlib.avail_out;
  }

  absl::StatusOr<size_t> ReadZstd(char* buffer, size_t wanted) {
    ZSTD_inBuffer in{packed.data() + begin, end - begin, 0};
    ZSTD_outBuffer out{buffer, wanted, 0};
    size_t result = ZSTD_decompressStream(zstd, &out, &in);
    if (ZSTD_isError(result) != 0) return Damaged(ZSTD_getErrorName(result));
    between = result == 0;
    begin += in.pos;
    return out.pos;
  }

  absl::StatusOr<size_t> ReadSome(char* buffer, size_t wanted) {
    switch (packing) {
      case Packing::kPlain:
        return ReadPlain(buffer, wanted);
      case Packing::kGzip:
        return ReadGzip(buffer, wanted);
      case Packing::kZstd:
        return ReadZstd(buffer, wanted);
    }
    return size_t{0};
  }

  std::string path;
  int descriptor = -1;
  int64_t size = 0;
  int64_t position = 0;
  Packing packing = Packing::kPlain;

  // What was read from the disk and not unpacked yet: [begin, end).
  std::vector<char> packed = std::vector<char>(kPackedChunk);
  size_t begin = 0;
  size_t end = 0;

  // Whether a packed member or frame is complete and no other has begun: the file may end here.
  bool between = false;
  z_stream zlib{};
  bool inflating = false;
  ZSTD_DStream* zstd = nullptr;
};

InputFile::InputFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
InputFile::~InputFile() = default;

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (impl->descriptor < 0) {
    std::string text = absl::StrCat(path, ": ", std::strerror(errno));
    if (errno == ENOENT) return absl::NotFoundError(text);
    return absl::FailedPreconditionError(text);
  }
  struct stat about {};
  if (fstat(impl->descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": not a plain file"));
  }
  impl->size = about.st_size;
  TW_RETURN_IF_ERROR(impl->Fill());
  impl->packing = PackingOf(impl->packed, impl->end);
  if (impl->packing == Packing::kGzip) {
    if (inflateInit2(&impl->zlib, kGzipWindowBits) != Z_OK) {
      return absl::InternalError("zlib cannot begin");
    }
    impl->inflating = true;
  } else if (impl->packing == Packing::kZstd) {
    impl->zstd = ZSTD_createDStream();
    if (impl->zstd == nullptr) return absl::InternalError("zstd cannot begin");
  }
  return std::unique_ptr<InputFile>(new InputFile(std::move(impl)));
}

absl::StatusOr<size_t> InputFile::Read(char* buffer, size_t size) {
  while (true) {
    bool at_end = false;
    if (impl_->begin == impl_->end) {
      TW_RETURN_IF_ERROR(impl_->Fill());
      at_end = impl_->begin == impl_->end;
    }
    if (at_end && (impl_->packing == Packing::kPlain || impl_->between)) return size_t{0};
    // An unpacker may still hold what did not fit into the buffer before.
    TW_ASSIGN_OR_RETURN(size_t n, impl_->ReadSome(buffer, size));
    if (n > 0) return n;
    if (at_end && !impl_->between) return impl_->Damaged("ends in the middle");
  }
}

int64_t InputFile::position() const {
  return impl_->position - static_cast<int64_t>(impl_->end - impl_->begin);
}
int64_t InputFile::size() const { return impl_->size; }

}  // namespace tallywire
