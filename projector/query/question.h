// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_QUERY_QUESTION_H_
#define TALLYWIRE_PROJECTOR_QUERY_QUESTION_H_

// A question's hold on one partition: while it lives, the partition stands between two records.

#include <mutex>

#include "projector/run/partition.h"

namespace tallywire {

class Question {
 public:
  explicit Question(PartitionLoop& loop) : loop_(loop) {
    loop_.BeginQuestion();
    loop_.mu().lock();
    loop_.EndQuestion();
  }
  ~Question() { loop_.mu().unlock(); }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

 private:
  PartitionLoop& loop_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_QUERY_QUESTION_H_
