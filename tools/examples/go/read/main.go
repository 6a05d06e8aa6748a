// SPDX-License-Identifier: Apache-2.0

// Read reads stock.availability and stock.listing-updates: a JSON line for each whole picture of a
// SKU and for each update of a listing that is newer than the one before.
//
// Usage: read SERVERS [--follow]. Without --follow it ends where the topics end now.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"tallywire/examples/wire"
)

const (
	availability = "stock.availability"
	updates      = "stock.listing-updates"
)

// picture is a SKU's stock as it was at one moment.
type picture struct {
	Sku       string           `json:"sku"`
	Version   int64            `json:"version"`
	OnHand    int64            `json:"on_hand"`
	Ats       *int64           `json:"ats"` // null: sold without an end
	Locations map[string]int64 `json:"locations"`
}

// stock is the newest row of every (SKU, location), and which SKUs' pictures are whole.
type stock struct {
	rows    map[string]map[string]*wire.Availability // by SKU, then location; the TOTAL's is empty
	changed map[string]bool
}

// take returns the picture that this record makes whole, or nil.
func (s *stock) take(value []byte) (any, error) {
	row := &wire.Availability{}
	if err := proto.Unmarshal(value, row); err != nil {
		return nil, err
	}
	held := s.rows[row.Sku]
	if held == nil {
		held = map[string]*wire.Availability{}
		s.rows[row.Sku] = held
	}
	if before := held[row.Location]; before == nil || row.Version > before.Version {
		held[row.Location] = row
		s.changed[row.Sku] = true
	} else if row.Version < before.Version {
		return nil, nil
	}
	// A TOTAL ends what changed together. One that is held already ends a repair of other rows.
	if row.Location != "" || !s.changed[row.Sku] {
		return nil, nil
	}
	total := held[""]
	seen := picture{Sku: total.Sku, Version: total.Version, OnHand: total.OnHand,
		Locations: map[string]int64{}}
	for location, other := range held {
		if other.Version > total.Version {
			return nil, nil
		}
		if location != "" {
			seen.Locations[location] = other.OnHand
		}
	}
	if !total.Unlimited {
		seen.Ats = proto.Int64(total.GetAts())
	}
	delete(s.changed, row.Sku)
	return seen, nil
}

// update is what a channel is to show.
type update struct {
	Channel      string `json:"channel"`
	Listing      string `json:"listing"`
	Sku          string `json:"sku"`
	Quantity     *int64 `json:"quantity"` // null: none can be said
	RulesVersion int64  `json:"rules_version"`
	StockVersion int64  `json:"stock_version"`
}

type listing struct{ channel, id string }

// listings is the newest update of every listing.
type listings map[listing]*wire.ListingUpdate

// take returns the update, or nil if it is not newer than the one that is held.
func (l listings) take(value []byte) (any, error) {
	next := &wire.ListingUpdate{}
	if err := proto.Unmarshal(value, next); err != nil {
		return nil, err
	}
	key := listing{next.Channel, next.ListingId}
	if held := l[key]; held != nil && !isNewer(next, held) {
		return nil, nil
	}
	l[key] = next
	return update{next.Channel, next.ListingId, next.Sku, next.Quantity, next.RulesVersion,
		next.StockVersion}, nil
}

// isNewer compares in this order: a changed rule is newer, whatever the stock was.
func isNewer(next, held *wire.ListingUpdate) bool {
	if next.RulesVersion != held.RulesVersion {
		return next.RulesVersion > held.RulesVersion
	}
	return next.StockVersion > held.StockVersion
}

type partition struct {
	topic  string
	number int32
}

// unread is the partitions that have records, and where each ends now.
func unread(ctx context.Context, client *kgo.Client) (map[partition]int64, error) {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, availability, updates)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, availability, updates)
	if err != nil {
		return nil, err
	}
	if err := ends.Error(); err != nil {
		return nil, err
	}
	left := map[partition]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		if start.Offset < end.Offset {
			left[partition{end.Topic, end.Partition}] = end.Offset
		}
	})
	return left, nil
}

func run(servers string, follow bool) error {
	// No group: this reader wants everything, and is given all partitions.
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(servers, ",")...),
		kgo.ConsumeTopics(availability, updates),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		return err
	}
	defer client.Close()

	ctx := context.Background()
	left, err := unread(ctx, client)
	if err != nil {
		return err
	}
	rows := &stock{map[string]map[string]*wire.Availability{}, map[string]bool{}}
	takers := map[string]func([]byte) (any, error){
		availability: rows.take,
		updates:      listings{}.take,
	}
	out := json.NewEncoder(os.Stdout)
	for follow || len(left) > 0 {
		fetches := client.PollFetches(ctx)
		for _, failure := range fetches.Errors() {
			return fmt.Errorf("%s/%d: %w", failure.Topic, failure.Partition, failure.Err)
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			seen, err := takers[record.Topic](record.Value)
			if err != nil {
				return err
			}
			if seen != nil {
				if err := out.Encode(seen); err != nil {
					return err
				}
			}
			at := partition{record.Topic, record.Partition}
			if record.Offset+1 >= left[at] {
				delete(left, at)
			}
		}
	}
	return nil
}

func main() {
	follow := len(os.Args) == 3 && os.Args[2] == "--follow"
	if len(os.Args) != 2 && !follow {
		fmt.Fprintln(os.Stderr, "usage: read SERVERS [--follow]")
		os.Exit(2)
	}
	if err := run(os.Args[1], follow); err != nil {
		fmt.Fprintln(os.Stderr, "read:", err)
		os.Exit(1)
	}
}
