import java.io.FileInputStream;
import java.util.Properties;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/** Prints for each client.properties file whether Kafka's Java client can use its keys, and trusts something: a line `file yes` or `file no`. */
public class LoadKeys {
  public static void main(String[] files) throws Exception {
    ConfigDef settings = new ConfigDef();
    SslConfigs.addClientSslSupport(settings);
    for (String file : files) {
      Properties properties = new Properties();
      try (FileInputStream in = new FileInputStream(file)) {
        properties.load(in);
      }
      try (DefaultSslEngineFactory factory = new DefaultSslEngineFactory()) {
        factory.configure(new AbstractConfig(settings, properties, false).values());
        boolean isEmpty = factory.truststore() != null && factory.truststore().size() == 0;
        System.out.println(file + "\t" + (isEmpty ? "no" : "yes"));
      } catch (Exception error) {
        System.out.println(file + "\tno");
        System.err.println(file + ": " + error);
      }
    }
  }
}
