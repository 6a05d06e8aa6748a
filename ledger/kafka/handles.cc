// SPDX-License-Identifier: Apache-2.0
#include "ledger/kafka/handles.h"

#include <librdkafka/rdkafka.h>

namespace tallywire {

void KafkaDeleter::operator()(rd_kafka_s* p) const { rd_kafka_destroy(p); }
void KafkaDeleter::operator()(rd_kafka_conf_s* p) const { rd_kafka_conf_destroy(p); }
void KafkaDeleter::operator()(rd_kafka_topic_s* p) const { rd_kafka_topic_destroy(p); }
void KafkaDeleter::operator()(rd_kafka_queue_s* p) const { rd_kafka_queue_destroy(p); }
void KafkaDeleter::operator()(rd_kafka_op_s* p) const { rd_kafka_event_destroy(p); }
void KafkaDeleter::operator()(rd_kafka_error_s* p) const { rd_kafka_error_destroy(p); }
void KafkaDeleter::operator()(rd_kafka_headers_s* p) const { rd_kafka_headers_destroy(p); }
void KafkaDeleter::operator()(rd_kafka_message_s* p) const { rd_kafka_message_destroy(p); }
void KafkaDeleter::operator()(const struct rd_kafka_metadata* p) const {
  rd_kafka_metadata_destroy(p);
}
void KafkaDeleter::operator()(rd_kafka_topic_partition_list_s* p) const {
  rd_kafka_topic_partition_list_destroy(p);
}
void KafkaDeleter::operator()(rd_kafka_NewTopic_s* p) const { rd_kafka_NewTopic_destroy(p); }
void KafkaDeleter::operator()(rd_kafka_ConfigResource_s* p) const {
  rd_kafka_ConfigResource_destroy(p);
}
void KafkaDeleter::operator()(rd_kafka_AdminOptions_s* p) const {
  rd_kafka_AdminOptions_destroy(p);
}

}  // namespace tallywire
