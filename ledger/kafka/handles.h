// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_KAFKA_HANDLES_H_
#define TALLYWIRE_LEDGER_KAFKA_HANDLES_H_

// Owners of what librdkafka gives out, for the sources of this folder only. The library's clients
// hang for ever when they are destroyed before everything that came from them, so nothing of it is
// held by a bare pointer. Its types are named, not included: no header shows librdkafka.

#include <memory>

struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_topic_s;
struct rd_kafka_queue_s;
struct rd_kafka_op_s;
struct rd_kafka_error_s;
struct rd_kafka_headers_s;
struct rd_kafka_message_s;
struct rd_kafka_metadata;  // also the name of a function
struct rd_kafka_topic_partition_list_s;
struct rd_kafka_NewTopic_s;
struct rd_kafka_ConfigResource_s;
struct rd_kafka_AdminOptions_s;

namespace tallywire {

struct KafkaDeleter {
  void operator()(rd_kafka_s* p) const;
  void operator()(rd_kafka_conf_s* p) const;
  void operator()(rd_kafka_topic_s* p) const;
  void operator()(rd_kafka_queue_s* p) const;
  void operator()(rd_kafka_op_s* p) const;
  void operator()(rd_kafka_error_s* p) const;
  void operator()(rd_kafka_headers_s* p) const;
  void operator()(rd_kafka_message_s* p) const;
  void operator()(const struct rd_kafka_metadata* p) const;
  void operator()(rd_kafka_topic_partition_list_s* p) const;
  void operator()(rd_kafka_NewTopic_s* p) const;
  void operator()(rd_kafka_ConfigResource_s* p) const;
  void operator()(rd_kafka_AdminOptions_s* p) const;
};

template <class T>
using KafkaOwned = std::unique_ptr<T, KafkaDeleter>;

using KafkaHandle = KafkaOwned<rd_kafka_s>;
using KafkaConf = KafkaOwned<rd_kafka_conf_s>;
using KafkaTopic = KafkaOwned<rd_kafka_topic_s>;
using KafkaQueue = KafkaOwned<rd_kafka_queue_s>;
using KafkaEvent = KafkaOwned<rd_kafka_op_s>;
using KafkaError = KafkaOwned<rd_kafka_error_s>;
using KafkaHeaders = KafkaOwned<rd_kafka_headers_s>;
using KafkaMessage = KafkaOwned<rd_kafka_message_s>;
using KafkaMetadata = KafkaOwned<const struct rd_kafka_metadata>;
using KafkaPartitionList = KafkaOwned<rd_kafka_topic_partition_list_s>;
using KafkaNewTopic = KafkaOwned<rd_kafka_NewTopic_s>;
using KafkaConfigResource = KafkaOwned<rd_kafka_ConfigResource_s>;
using KafkaAdminOptions = KafkaOwned<rd_kafka_AdminOptions_s>;

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_KAFKA_HANDLES_H_
