#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads stock.availability and stock.listing-updates: a JSON line for each whole picture of a SKU
and for each update of a listing that is newer than the one before.

Usage: read_stock.py SERVERS [--follow]        without --follow it ends where the topics end now
"""
import argparse
import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from tallywire.v1 import availability_pb2, listing_pb2

AVAILABILITY = "stock.availability"
UPDATES = "stock.listing-updates"


class Stock:
    """The newest row of every (SKU, location), and which SKUs' pictures are whole."""

    def __init__(self):
        self.rows = {}  # SKU -> location ("": the TOTAL) -> row
        self.changed = set()

    def take(self, value):
        """The picture that this record makes whole, or None."""
        row = availability_pb2.Availability.FromString(value)
        rows = self.rows.setdefault(row.sku, {})
        held = rows.get(row.location)
        if held is None or row.version > held.version:
            rows[row.location] = row
            self.changed.add(row.sku)
        elif row.version < held.version:
            return None
        # A TOTAL ends what changed together. One that is held already ends a repair of other rows.
        if row.location or row.sku not in self.changed:
            return None
        total = rows[""]
        if any(other.version > total.version for other in rows.values()):
            return None
        self.changed.remove(row.sku)
        return {"sku": total.sku, "version": total.version, "on_hand": total.on_hand,
                "ats": None if total.unlimited else total.ats,
                "locations": {name: other.on_hand for name, other in rows.items() if name}}


class Listings:
    """The newest update of every listing."""

    def __init__(self):
        self.versions = {}

    def take(self, value):
        """The update, or None if it is not newer than the one that is held."""
        update = listing_pb2.ListingUpdate.FromString(value)
        key = (update.channel, update.listing_id)
        version = (update.rules_version, update.stock_version)  # compared in this order
        if key in self.versions and version <= self.versions[key]:
            return None
        self.versions[key] = version
        quantity = update.quantity if update.HasField("quantity") else None
        return {"channel": update.channel, "listing": update.listing_id, "sku": update.sku,
                "quantity": quantity, "rules_version": update.rules_version,
                "stock_version": update.stock_version}


def partitions_of(consumer, topic):
    found = consumer.list_topics(topic, timeout=10).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in found.partitions]


def main():
    parser = argparse.ArgumentParser(description="Reads stock and listing updates.")
    parser.add_argument("servers")
    parser.add_argument("--follow", action="store_true", help="go on with what comes")
    arguments = parser.parse_args()

    takers = {AVAILABILITY: Stock(), UPDATES: Listings()}
    # No group: this reader wants everything, so it assigns all partitions to itself. The client
    # asks for a name all the same.
    consumer = Consumer({
        "bootstrap.servers": arguments.servers,
        "group.id": "read-stock",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": not arguments.follow,
    })
    try:
        unread = [partition for topic in takers for partition in partitions_of(consumer, topic)]
        consumer.assign(unread)
        left = {(partition.topic, partition.partition) for partition in unread}
        while left:
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error() is None:
                seen = takers[message.topic()].take(message.value())
                if seen is not None:
                    print(json.dumps(seen), flush=arguments.follow)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                left.discard((message.topic(), message.partition()))
            else:  # what mends itself, such as a broker that is away, does not come here
                raise KafkaException(message.error())
    finally:
        consumer.close()


if __name__ == "__main__":
    try:
        main()
    except KafkaException as error:
        sys.exit(f"read_stock: {error}")
    except KeyboardInterrupt:
        sys.exit(0)
