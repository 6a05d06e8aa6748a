// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_STORE_BYTES_H_
#define TALLYWIRE_PROJECTOR_STORE_BYTES_H_

// Numbers and strings as bytes, for keys and rows (projector/store/FORMAT.md). Equal values give
// equal bytes, and other bytes are read as none: so what is read is what was written. A reader
// never fails in the middle: it answers zeros from the first byte that does not fit, and done() is
// false then.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tallywire::store {

// Appends to a string that outlives it.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(*out) {}

  void Byte(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void Raw(std::string_view bytes) { out_.append(bytes.data(), bytes.size()); }
  // Big-endian, so that bytes sort as the numbers do.
  void Fixed16(uint16_t value) { Fixed(value, 2); }
  void Fixed64(uint64_t value) { Fixed(value, 8); }
  // Negative numbers sort before the others.
  void Ordered64(int64_t value) { Fixed64(static_cast<uint64_t>(value) ^ kSignBit); }

  void Varint(uint64_t value) {
    char bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) bytes[n++] = static_cast<char>(value | 0x80);
    bytes[n++] = static_cast<char>(value);
    out_.append(bytes, n);
  }
  void Zigzag(int64_t value) {
    Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  // What has to be added to `base` to get `value`; wraps, so that any two have one.
  void Difference(int64_t value, int64_t base) {
    Zigzag(static_cast<int64_t>(static_cast<uint64_t>(value) - static_cast<uint64_t>(base)));
  }
  void String(std::string_view bytes) {
    Varint(bytes.size());
    Raw(bytes);
  }

 private:
  static constexpr uint64_t kSignBit = uint64_t{1} << 63;

  void Fixed(uint64_t value, int bytes) {
    char out[8];
    for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
    out_.append(out, static_cast<size_t>(bytes));
  }

  std::string& out_;
};

// Reads what a ByteWriter wrote; its views point into what it was given.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  // Everything was read, and nothing was missing or out of range.
  bool done() const { return ok_ && bytes_.empty(); }
  bool empty() const { return bytes_.empty(); }
  // What was read makes no sense.
  void Fail() {
    ok_ = false;
    bytes_ = {};
  }

  std::string_view Raw(size_t size) {
    if (bytes_.size() < size) {
      Fail();
      return {};
    }
    std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::string_view Rest() { return Raw(bytes_.size()); }
  // Up to a zero byte, which is taken too.
  std::string_view Name() {
    const size_t end = bytes_.find('\0');
    if (end == std::string_view::npos || end == 0) {
      Fail();
      return {};
    }
    std::string_view name = Raw(end);
    Raw(1);
    return name;
  }
  uint8_t Byte() { return static_cast<uint8_t>(Fixed(1)); }
  uint16_t Fixed16() { return static_cast<uint16_t>(Fixed(2)); }
  uint64_t Fixed64() { return Fixed(8); }
  int64_t Ordered64() { return static_cast<int64_t>(Fixed(8) ^ (uint64_t{1} << 63)); }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = Byte();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      // The tenth byte has one bit to give.
      if (shift == 63 && byte > 1) break;
      if (byte >= 0x80) continue;
      // A writer ends with the last byte that says something.
      if (byte == 0 && shift > 0) break;
      return value;
    }
    Fail();
    return 0;
  }
  int64_t Zigzag() {
    const uint64_t value = Varint();
    return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1)));
  }
  // One that is below `end`.
  uint64_t VarintBelow(uint64_t end) {
    const uint64_t value = Varint();
    if (value < end) return value;
    Fail();
    return 0;
  }
  int64_t Difference(int64_t base) {
    return static_cast<int64_t>(static_cast<uint64_t>(base) + static_cast<uint64_t>(Zigzag()));
  }
  std::string_view String() { return Raw(static_cast<size_t>(Varint())); }
  // A number of which only those below `end` are known.
  uint8_t Enum(uint8_t end) {
    const uint8_t value = Byte();
    if (value < end) return value;
    Fail();
    return 0;
  }

 private:
  uint64_t Fixed(size_t size) {
    uint64_t value = 0;
    for (const char c : Raw(size)) value = (value << 8) | static_cast<uint8_t>(c);
    return value;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace tallywire::store

#endif  // TALLYWIRE_PROJECTOR_STORE_BYTES_H_
