#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Appends a day of two places' stock movements to stock.events: 5 events of each of 20 SKUs.

Usage: append_events.py SERVERS SOURCE [--partitioner NAME]

The SKUs are SOURCE-00 to SOURCE-19. Safe to run again: each event has an id that is made from what
happened, so what is in already changes nothing. Exit code 1 if an event is not known to be in.
"""
import argparse
import datetime
import sys

from confluent_kafka import Producer
from tallywire.v1 import event_pb2

MORNING = datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.timezone.utc)


def happened(source, sku, number):
    """The envelope of a SKU's number-th event of that day. `occurred_at` is a part of the fact, so
    it is the same each time that the event is sent."""
    event = event_pb2.StockEvent(event_id=f"2026-03-02/{number}", source=source, sku=sku)
    event.occurred_at.FromDatetime(MORNING + datetime.timedelta(minutes=number))
    return event


def day(source):
    """All events, those of one SKU in the order in which they happened."""
    for i in range(20):
        sku = f"{source}-{i:02}"
        event = happened(source, sku, 1)
        event.received.location = "WAREHOUSE"
        event.received.quantity = 50 + i
        yield event
        event = happened(source, sku, 2)
        setattr(event.transferred, "from", "WAREHOUSE")  # a word of Python's own
        event.transferred.to = "SHOP"
        event.transferred.quantity = 20
        yield event
        event = happened(source, sku, 3)
        event.sold.location = "SHOP"
        event.sold.quantity = 3
        yield event
        event = happened(source, sku, 4)
        event.returned.location = "SHOP"
        event.returned.quantity = 1
        yield event
        event = happened(source, sku, 5)
        event.adjusted.location = "WAREHOUSE"
        event.adjusted.delta = -2
        event.adjusted.reason = "broken"
        yield event


def main():
    parser = argparse.ArgumentParser(description="Appends a day of stock movements.")
    parser.add_argument("servers")
    parser.add_argument("source")
    parser.add_argument("--partitioner", default="murmur2_random",
                        help="another one, to see what goes wrong [%(default)s]")
    arguments = parser.parse_args()

    producer = Producer({
        "bootstrap.servers": arguments.servers,
        # librdkafka's own default is another hash: most records would be refused.
        "partitioner": arguments.partitioner,
        "enable.idempotence": True,  # with acks=all: retries change neither order nor number
        "compression.type": "lz4",
        "linger.ms": 5,
    })
    appended, failures = 0, []

    def delivered(error, message):
        nonlocal appended
        if error is None:
            appended += 1
        else:
            failures.append(f"{message.key().decode()}: {error}")

    for event in day(arguments.source):
        while True:
            try:
                producer.produce("stock.events", key=event.sku.encode(),
                                 value=event.SerializeToString(), on_delivery=delivered)
                break
            except BufferError:  # the queue is full: wait until some are delivered
                producer.poll(1)
        producer.poll(0)
    producer.flush()
    print(f"appended {appended}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
