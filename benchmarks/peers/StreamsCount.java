import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams: the count per (window start, crime type, disposition), in memory, through a repartition topic. */
public final class StreamsCount {
  private static final JsonFactory JSON = new JsonFactory();
  private static final byte[] NOTHING = new byte[0];

  public static void main(String[] args) throws Exception {
    long total = Long.parseLong(args[2]);
    Path path = Path.of(args[3]);
    String cores = System.getenv().getOrDefault("PEER_CORES", "2");
    Properties options = new Properties();
    options.put(StreamsConfig.APPLICATION_ID_CONFIG, "bench-" + System.nanoTime());
    options.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    options.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, cores);
    options.put(StreamsConfig.STATE_DIR_CONFIG, path + ".state");
    options.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, "0");
    options.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "30000");
    options.put("consumer.auto.offset.reset", "earliest");
    options.put("consumer.max.poll.records", "10000");
    options.put("consumer.max.partition.fetch.bytes", "16777216");
    options.put("producer.linger.ms", "100");
    options.put("producer.batch.size", "1000000");
    options.put("producer.compression.type", "lz4");
    options.put("producer.acks", "1");

    AtomicLong counted = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(args[1], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .map((key, value) -> KeyValue.pair(group(value), NOTHING))
        .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
        .count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts"))
            .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()).withLoggingDisabled())
        .toStream()
        .foreach((key, count) -> {
          if (counted.incrementAndGet() == total) {
            done.countDown();
          }
        });
    KafkaStreams streams = new KafkaStreams(builder.build(), options);
    streams.start();
    done.await();
    ObjectMapper mapper = new ObjectMapper();
    Path part = Path.of(path + ".part");
    try (Writer out = Files.newBufferedWriter(part);
        var all = streams.store(StoreQueryParameters.fromNameAndType("counts",
            QueryableStoreTypes.<String, Long>keyValueStore())).all()) {
      while (all.hasNext()) {
        var entry = all.next();
        String[] group = entry.key.split("\u0001", -1);
        out.write(mapper.writeValueAsString(List.of(group[0], group[1], group[2], entry.value)));
        out.write('\n');
      }
    }
    Files.move(part, path, StandardCopyOption.ATOMIC_MOVE);
    System.err.println("counted");
    streams.close(Duration.ofSeconds(2));
    System.exit(0);
  }

  private static String group(byte[] value) {
    String time = null;
    String type = null;
    String code = null;
    try (JsonParser parser = JSON.createParser(value)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "call_date_time" -> time = parser.getText();
          case "original_crime_type_name" -> type = parser.getText();
          case "disposition" -> code = parser.getText();
          default -> parser.skipChildren();
        }
      }
    } catch (java.io.IOException error) {
      throw new java.io.UncheckedIOException(error);
    }
    String half = time.charAt(14) >= '3' ? "30" : "00";
    return time.substring(0, 10) + ' ' + time.substring(11, 14) + half + ":00\u0001" + type.strip() + '\u0001'
        + code.strip();
  }
}
