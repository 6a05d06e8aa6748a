// SPDX-License-Identifier: Apache-2.0
// Feeds files, or all files of folders, to a fuzz target: what was found once is tried in every
// build, also where there is no libFuzzer.
//
//   fuzz_codec tests/fuzz/corpus/codec
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "tests/fuzz/input.h"

namespace {

// The files that a name stands for, in the order of their names.
std::vector<std::string> FilesOf(const std::string& name) {
  std::vector<std::string> files;
  std::error_code error;
  if (std::filesystem::is_directory(name, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(name, error)) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(name);
  }
  return files;
}

bool Replay(const std::string& file) {
  // The last line of a run that dies names the input that it died of.
  std::printf("%s\n", file.c_str());
  std::fflush(stdout);
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in.good() && !in.eof()) {
    std::fprintf(stderr, "%s: cannot be read\n", file.c_str());
    return false;
  }
  // Of its own size, so that a read beyond its end is seen.
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  return LLVMFuzzerTestOneInput(bytes.data(), bytes.size()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  bool good = true;
  for (int i = 1; i < argc; ++i) {
    for (const std::string& file : FilesOf(argv[i])) {
      good = Replay(file) && good;
      ++count;
    }
  }
  std::printf("%zu inputs\n", count);
  if (count == 0) std::fprintf(stderr, "usage: %s FILE|FOLDER…\n", argv[0]);
  return good && count > 0 ? 0 : 1;
}
