// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_FUZZ_INPUT_H_
#define TALLYWIRE_TESTS_FUZZ_INPUT_H_

// The bytes of one fuzz input, taken from the front as what a target needs. Where nothing is left
// they are zeros and empty strings, so that every input is one.
//
//   extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
//     Input in(data, size);
//     const int partitions = in.Below(4);
//     Use(in.Rest());
//
// What has to hold a target says with TW_CHECK, or CheckSame, which prints both sides.
//
// Threads: none. Views point into what the input was made from.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// What libFuzzer and replay_main.cc call.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tallywire::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), data == nullptr ? 0 : size) {}

  bool empty() const { return rest_.empty(); }

  uint8_t Byte();
  // 0 to `end` - 1, of one byte; `end` at most 256.
  int Below(int end) { return Byte() % end; }
  bool Chance() { return (Byte() & 1) != 0; }
  // Eight bytes, the least first.
  uint64_t Number();
  // A byte of length, and so many bytes, or what is left.
  std::string_view Text();
  // The same with two bytes of length, the least first.
  std::string_view LongText();
  std::string_view Rest();

 private:
  std::string_view Take(size_t size);

  std::string_view rest_;
};

// Dies with both texts if they differ; `what` says what should have been the same.
void CheckSame(std::string_view what, std::string_view a, std::string_view b);

}  // namespace tallywire::fuzz

#endif  // TALLYWIRE_TESTS_FUZZ_INPUT_H_
