// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_FUZZ_MESSAGE_OF_H_
#define TALLYWIRE_TESTS_FUZZ_MESSAGE_OF_H_

// The way back from an Event: the message that says all that it says, each default written out. It
// shares nothing with the codec, and loses nothing, so two events are equal if their messages are.
//
// Threads: pure functions.

#include <string>

#include "ledger/event.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire::fuzz {

v1::StockEvent MessageOf(const Event& event);

// Its bytes, equal for equal events within one program.
std::string BytesOf(const Event& event);

}  // namespace tallywire::fuzz

#endif  // TALLYWIRE_TESTS_FUZZ_MESSAGE_OF_H_
