#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records of the topics that a consumer reads, in JSON, for examples_test.py. It runs with what the
Python example needs, and knows nothing of versions.

Usage: examples_records.py SERVERS put <LINES    {"topic": …, "partition": …, "value": {…}} each
       examples_records.py SERVERS last          the last record of each key, in the same form
"""
import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition
from google.protobuf import json_format
from tallywire.v1 import availability_pb2, listing_pb2

MESSAGES = {"stock.availability": availability_pb2.Availability,
            "stock.listing-updates": listing_pb2.ListingUpdate}


def key_of(topic, message):
    parts = ((message.sku, message.location) if topic == "stock.availability"
             else (message.channel, message.listing_id))
    return "\0".join(parts).encode()


def put(servers):
    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})
    failures = []

    def delivered(error, _):
        if error is not None:
            failures.append(str(error))

    for line in sys.stdin:
        record = json.loads(line)
        message = json_format.ParseDict(record["value"], MESSAGES[record["topic"]]())
        producer.produce(record["topic"], key=key_of(record["topic"], message),
                         value=message.SerializeToString(), partition=record["partition"],
                         on_delivery=delivered)
    producer.flush()
    return "\n".join(failures)


def last(servers):
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "last",
                         "enable.auto.commit": False, "enable.partition.eof": True})
    unread = {(topic, partition) for topic in MESSAGES
              for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions}
    consumer.assign([TopicPartition(*where, OFFSET_BEGINNING) for where in unread])
    found = {}
    while unread:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error() is None:
            found[message.topic(), message.key()] = message
        elif message.error().code() == KafkaError._PARTITION_EOF:
            unread.discard((message.topic(), message.partition()))
        else:
            raise KafkaException(message.error())
    consumer.close()
    for (topic, key), message in sorted(found.items()):
        value = MESSAGES[topic].FromString(message.value())
        if key != key_of(topic, value):
            return f"{topic}: the key {key!r} is not that of its value"
        fields = json_format.MessageToDict(value, preserving_proto_field_name=True)
        print(json.dumps({"topic": topic, "partition": message.partition(), "value": fields}))
    return ""


if __name__ == "__main__":
    sys.exit({"put": put, "last": last}[sys.argv[2]](sys.argv[1]) or 0)
