// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_KAFKA_TOPICS_H_
#define TALLYWIRE_TOOLS_COMMANDS_KAFKA_TOPICS_H_

// `topics plan` and `topics apply` where the log is in Kafka.

#include "tools/commands/command.h"

namespace tallywire {

// kFindings: something is missing or differs, and was not made or altered. `execute`: what can be
// is made and altered; partitions never are.
Result RunKafkaTopics(Context& context, bool execute);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_KAFKA_TOPICS_H_
