import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

/** Prints what java.util.Properties reads of each file: a line `file key value`, key and value in hexadecimal UTF-8. */
public class PrintProperties {
  public static void main(String[] files) throws IOException {
    for (String file : files) {
      Properties properties = new Properties();
      try (InputStream in = new FileInputStream(file)) {
        // As our reader decides it: UTF-8 by its name, else Latin-1, as `load` has it.
        if (file.contains("utf8")) properties.load(new InputStreamReader(in, StandardCharsets.UTF_8));
        else properties.load(in);
        for (String key : new TreeSet<>(properties.stringPropertyNames()))
          System.out.println(file + "\t" + hex(key) + "\t" + hex(properties.getProperty(key)));
      } catch (IllegalArgumentException error) {
        System.out.println(file + "\tmalformed");
      }
    }
  }

  private static String hex(String text) {
    return "x" + HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
  }
}
