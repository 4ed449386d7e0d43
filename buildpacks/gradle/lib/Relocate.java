import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Replaces a text constant in all classes of a jar: Relocate JAR OLD NEW. The texts may differ in length. */
public class Relocate {
  public static void main(String[] arguments) throws Exception {
    byte[] from = constant(arguments[1]);
    byte[] to = constant(arguments[2]);
    try (FileSystem jar = FileSystems.newFileSystem(Path.of(arguments[0]))) {
      List<Path> classes;
      try (Stream<Path> files = Files.walk(jar.getPath("/"))) {
        classes = files.filter(each -> each.toString().endsWith(".class")).collect(Collectors.toList());
      }
      for (Path each : classes) {
        byte[] content = Files.readAllBytes(each);
        byte[] changed = replace(content, from, to);
        if (changed != content) Files.write(each, changed);
      }
    }
  }

  /** A class file's constant: its kind, two bytes of length, the text (Java Virtual Machine Specification 4.4.7). */
  private static byte[] constant(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(3 + bytes.length).put((byte) 1).putShort((short) bytes.length).put(bytes).array();
  }

  private static byte[] replace(byte[] content, byte[] from, byte[] to) {
    for (int at = 0; at + from.length <= content.length; at++) {
      if (!ByteBuffer.wrap(content, at, from.length).equals(ByteBuffer.wrap(from))) continue;
      ByteArrayOutputStream changed = new ByteArrayOutputStream();
      changed.write(content, 0, at);
      changed.write(to, 0, to.length);
      changed.write(content, at + from.length, content.length - at - from.length);
      return changed.toByteArray();
    }
    return content;
  }
}
