// SPDX-License-Identifier: Apache-2.0

// Append appends a day of two places' stock movements to stock.events: 5 events of each of 20 SKUs.
//
// Usage: append SERVERS SOURCE. The SKUs are SOURCE-00 to SOURCE-19. Safe to run again: each event
// has an id that is made from what happened, so what is in already changes nothing. Exit code 1 if
// an event is not known to be in.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"tallywire/examples/wire"
)

var morning = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// happened is the envelope of a SKU's number-th event of that day. OccurredAt is a part of the
// fact, so it is the same each time that the event is sent.
func happened(source, sku string, number int) *wire.StockEvent {
	return &wire.StockEvent{
		EventId:    fmt.Sprintf("2026-03-02/%d", number),
		Source:     source,
		Sku:        sku,
		OccurredAt: timestamppb.New(morning.Add(time.Duration(number) * time.Minute)),
	}
}

// day is all events, those of one SKU in the order in which they happened.
func day(source string) []*wire.StockEvent {
	var events []*wire.StockEvent
	for i := 0; i < 20; i++ {
		sku := fmt.Sprintf("%s-%02d", source, i)

		received := happened(source, sku, 1)
		received.Body = &wire.StockEvent_Received{Received: &wire.Received{
			Location: "WAREHOUSE", Quantity: proto.Int64(int64(50 + i))}}

		transferred := happened(source, sku, 2)
		transferred.Body = &wire.StockEvent_Transferred{Transferred: &wire.Transferred{
			From: "WAREHOUSE", To: "SHOP", Quantity: proto.Int64(20)}}

		sold := happened(source, sku, 3)
		sold.Body = &wire.StockEvent_Sold{Sold: &wire.Sold{
			Location: "SHOP", Quantity: proto.Int64(3)}}

		returned := happened(source, sku, 4)
		returned.Body = &wire.StockEvent_Returned{Returned: &wire.Returned{
			Location: "SHOP", Quantity: proto.Int64(1)}}

		adjusted := happened(source, sku, 5)
		adjusted.Body = &wire.StockEvent_Adjusted{Adjusted: &wire.Adjusted{
			Location: "WAREHOUSE", Delta: proto.Int64(-2), Reason: "broken"}}

		events = append(events, received, transferred, sold, returned, adjusted)
	}
	return events
}

func run(servers, source string) error {
	// The partitioner is the client's own, which computes what Java's does (murmur2 of the key), and
	// so are idempotence and acks from all.
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(servers, ",")...),
		kgo.DefaultProduceTopic("stock.events"),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.ProducerLinger(5*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.Close()

	var mu sync.Mutex
	appended, failed := 0, 0
	for _, event := range day(source) {
		value, err := proto.Marshal(event)
		if err != nil {
			return err
		}
		record := &kgo.Record{Key: []byte(event.Sku), Value: value}
		client.Produce(context.Background(), record, func(record *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed++
				fmt.Fprintf(os.Stderr, "%s: %v\n", record.Key, err)
				return
			}
			appended++
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		return err
	}
	fmt.Printf("appended %d\n", appended)
	if failed > 0 {
		return fmt.Errorf("%d are not known to be in", failed)
	}
	return nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: append SERVERS SOURCE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "append:", err)
		os.Exit(1)
	}
}
