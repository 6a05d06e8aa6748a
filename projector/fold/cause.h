// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_FOLD_CAUSE_H_
#define TALLYWIRE_PROJECTOR_FOLD_CAUSE_H_

// Which event something came of: source, event_id, channel, listing, a zero byte after each (of a
// journal entry the first two). An event touches several rows, and the next one most of them again,
// so the text lies in FoldState::causes once until the next checkpoint, and only then, if it is
// still the last, becomes the row's own. A copy always has its own. Thread-compatible.

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

namespace tallywire {

class Cause {
 public:
  Cause() = default;
  explicit Cause(std::string_view text) { Own(text); }
  Cause(const Cause& other) { Own(other.text_); }
  Cause(Cause&& other) noexcept
      : text_(std::exchange(other.text_, {})), own_(std::move(other.own_)) {}
  Cause& operator=(const Cause& other) {
    if (this != &other) Own(other.text_);
    return *this;
  }
  Cause& operator=(Cause&& other) noexcept {
    text_ = std::exchange(other.text_, {});
    own_ = std::move(other.own_);
    return *this;
  }
  ~Cause() = default;

  std::string_view text() const { return text_; }
  void Clear() {
    text_ = {};
    own_.reset();
  }
  void Own(std::string_view text) {
    if (text.empty()) return Clear();
    auto own = std::make_unique_for_overwrite<char[]>(text.size());
    std::copy(text.begin(), text.end(), own.get());
    text_ = {own.get(), text.size()};
    own_ = std::move(own);
  }
  Cause& operator=(std::string_view text) {
    Own(text);
    return *this;
  }
  // `text` lives until Keep, or until another is set. What was owned is kept for a moment: freeing
  // it would look at memory that nothing else looks at now.
  void Borrow(std::string_view text) { text_ = text; }
  // Makes what is borrowed its own.
  void Keep() {
    if (text_.data() != own_.get()) Own(text_);
  }

 private:
  std::string_view text_;
  std::unique_ptr<char[]> own_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_FOLD_CAUSE_H_
