// SPDX-License-Identifier: Apache-2.0
package examples;

import com.google.protobuf.Timestamp;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import tallywire.v1.Event.Adjusted;
import tallywire.v1.Event.Received;
import tallywire.v1.Event.Returned;
import tallywire.v1.Event.Sold;
import tallywire.v1.Event.StockEvent;
import tallywire.v1.Event.Transferred;

/**
 * Appends a day of two places' stock movements to stock.events: 5 events of each of 20 SKUs.
 *
 * <p>Usage: {@code append SERVERS SOURCE}. The SKUs are SOURCE-00 to SOURCE-19. Safe to run again:
 * each event has an id that is made from what happened, so what is in already changes nothing. Exit
 * code 1 if an event is not known to be in.
 */
public final class AppendEvents {
  private static final Instant MORNING = Instant.parse("2026-03-02T09:00:00Z");

  /**
   * The envelope of a SKU's number-th event of that day. {@code occurred_at} is a part of the fact,
   * so it is the same each time that the event is sent.
   */
  private static StockEvent.Builder happened(String source, String sku, int number) {
    Instant when = MORNING.plusSeconds(60L * number);
    return StockEvent.newBuilder()
        .setEventId("2026-03-02/" + number)
        .setSource(source)
        .setSku(sku)
        .setOccurredAt(Timestamp.newBuilder().setSeconds(when.getEpochSecond()));
  }

  /** All events, those of one SKU in the order in which they happened. */
  private static List<StockEvent> day(String source) {
    List<StockEvent> events = new ArrayList<>();
    for (int i = 0; i < 20; ++i) {
      String sku = String.format(Locale.ROOT, "%s-%02d", source, i);
      events.add(
          happened(source, sku, 1)
              .setReceived(Received.newBuilder().setLocation("WAREHOUSE").setQuantity(50 + i))
              .build());
      events.add(
          happened(source, sku, 2)
              .setTransferred(
                  Transferred.newBuilder().setFrom("WAREHOUSE").setTo("SHOP").setQuantity(20))
              .build());
      events.add(
          happened(source, sku, 3)
              .setSold(Sold.newBuilder().setLocation("SHOP").setQuantity(3))
              .build());
      events.add(
          happened(source, sku, 4)
              .setReturned(Returned.newBuilder().setLocation("SHOP").setQuantity(1))
              .build());
      events.add(
          happened(source, sku, 5)
              .setAdjusted(
                  Adjusted.newBuilder().setLocation("WAREHOUSE").setDelta(-2).setReason("broken"))
              .build());
    }
    return events;
  }

  public static void main(String[] arguments) {
    if (arguments.length != 2) {
      System.err.println("usage: append SERVERS SOURCE");
      System.exit(2);
    }
    Properties settings = new Properties();
    settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    // The partitioner is the client's own: murmur2 of the key's bytes. Leave partitioner.class and
    // partitioner.ignore.keys alone.
    settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
    settings.put(ProducerConfig.ACKS_CONFIG, "all");
    settings.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    settings.put(ProducerConfig.LINGER_MS_CONFIG, 5);

    AtomicInteger appended = new AtomicInteger();
    ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    try (var producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (StockEvent event : day(arguments[1])) {
        byte[] key = event.getSku().getBytes(StandardCharsets.UTF_8);
        producer.send(
            new ProducerRecord<>("stock.events", key, event.toByteArray()),
            (where, error) -> {
              if (error == null) {
                appended.incrementAndGet();
              } else {
                failures.add(event.getSku() + ": " + error.getMessage());
              }
            });
      }
    } // close() waits until each has been answered
    System.out.println("appended " + appended);
    failures.forEach(System.err::println);
    System.exit(failures.isEmpty() ? 0 : 1);
  }

  private AppendEvents() {}
}
