// SPDX-License-Identifier: Apache-2.0
package examples;

import com.google.protobuf.InvalidProtocolBufferException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import tallywire.v1.AvailabilityOuterClass.Availability;
import tallywire.v1.ListingOuterClass.ListingUpdate;

/**
 * Reads stock.availability and stock.listing-updates: a JSON line for each whole picture of a SKU
 * and for each update of a listing that is newer than the one before.
 *
 * <p>Usage: {@code read SERVERS [--follow]}. Without {@code --follow} it ends where the topics end
 * now.
 */
public final class ReadStock {
  private static final String AVAILABILITY = "stock.availability";
  private static final String UPDATES = "stock.listing-updates";

  /** The newest row of every (SKU, location), and which SKUs' pictures are whole. */
  private static final class Stock {
    // By SKU, then by location; that of the TOTAL is empty.
    private final Map<String, TreeMap<String, Availability>> rows = new HashMap<>();
    private final Set<String> changed = new HashSet<>();

    /** The picture that this record makes whole, or null. */
    String take(byte[] value) throws InvalidProtocolBufferException {
      Availability row = Availability.parseFrom(value);
      Map<String, Availability> held = rows.computeIfAbsent(row.getSku(), sku -> new TreeMap<>());
      Availability before = held.get(row.getLocation());
      if (before == null || row.getVersion() > before.getVersion()) {
        held.put(row.getLocation(), row);
        changed.add(row.getSku());
      } else if (row.getVersion() < before.getVersion()) {
        return null;
      }
      // A TOTAL ends what changed together. One that is held already ends a repair of other rows.
      if (!row.getLocation().isEmpty() || !changed.contains(row.getSku())) {
        return null;
      }
      Availability total = held.get("");
      if (held.values().stream().anyMatch(other -> other.getVersion() > total.getVersion())) {
        return null;
      }
      changed.remove(row.getSku());
      return picture(total, held);
    }

    private static String picture(Availability total, Map<String, Availability> held) {
      String locations =
          held.entrySet().stream()
              .filter(row -> !row.getKey().isEmpty())
              .map(row -> quoted(row.getKey()) + ": " + row.getValue().getOnHand())
              .collect(Collectors.joining(", ", "{", "}"));
      return String.format(
          "{\"sku\": %s, \"version\": %d, \"on_hand\": %d, \"ats\": %s, \"locations\": %s}",
          quoted(total.getSku()),
          total.getVersion(),
          total.getOnHand(),
          total.getUnlimited() ? "null" : Long.toString(total.getAts()),
          locations);
    }
  }

  /** The newest update of every listing. */
  private static final class Listings {
    private record Listing(String channel, String id) {}

    private record Version(long rules, long stock) {
      // In this order: a changed rule is newer, whatever the stock was.
      boolean isAbove(Version other) {
        return rules != other.rules ? rules > other.rules : stock > other.stock;
      }
    }

    private final Map<Listing, Version> versions = new HashMap<>();

    /** The update, or null if it is not newer than the one that is held. */
    String take(byte[] value) throws InvalidProtocolBufferException {
      ListingUpdate update = ListingUpdate.parseFrom(value);
      Listing listing = new Listing(update.getChannel(), update.getListingId());
      Version version = new Version(update.getRulesVersion(), update.getStockVersion());
      Version held = versions.get(listing);
      if (held != null && !version.isAbove(held)) {
        return null;
      }
      versions.put(listing, version);
      return String.format(
          "{\"channel\": %s, \"listing\": %s, \"sku\": %s, \"quantity\": %s,"
              + " \"rules_version\": %d, \"stock_version\": %d}",
          quoted(update.getChannel()),
          quoted(update.getListingId()),
          quoted(update.getSku()),
          update.hasQuantity() ? Long.toString(update.getQuantity()) : "null",
          update.getRulesVersion(),
          update.getStockVersion());
    }
  }

  /** Names have no control characters. */
  private static String quoted(String name) {
    return '"' + name.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  public static void main(String[] arguments) throws InvalidProtocolBufferException {
    boolean follow = arguments.length == 2 && arguments[1].equals("--follow");
    if (arguments.length != (follow ? 2 : 1)) {
      System.err.println("usage: read SERVERS [--follow]");
      System.exit(2);
    }
    Properties settings = new Properties();
    settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");

    Stock stock = new Stock();
    Listings listings = new Listings();
    var bytes = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
      // No group: this reader wants everything, so it assigns all partitions to itself.
      List<TopicPartition> partitions = new ArrayList<>();
      for (String topic : List.of(AVAILABILITY, UPDATES)) {
        consumer
            .partitionsFor(topic)
            .forEach(found -> partitions.add(new TopicPartition(topic, found.partition())));
      }
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (follow || partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
          String seen =
              record.topic().equals(AVAILABILITY)
                  ? stock.take(record.value())
                  : listings.take(record.value());
          if (seen != null) {
            System.out.println(seen);
          }
        }
      }
    }
  }

  private ReadStock() {}
}
