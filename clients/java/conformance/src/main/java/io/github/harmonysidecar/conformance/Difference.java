package io.github.harmonysidecar.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Finds the first difference between two JSON values. */
final class Difference {
  private static final int LONGEST = 300;

  private Difference() {}

  /** Describes the first difference; empty if the values are equal. Null stands for no value. */
  static Optional<String> between(String path, JsonElement expected, JsonElement received) {
    if (Objects.equals(expected, received)) {
      return Optional.empty();
    }
    if (expected instanceof JsonObject left && received instanceof JsonObject right) {
      var keys = new TreeSet<>(left.keySet());
      keys.addAll(right.keySet());
      return keys.stream()
          .flatMap(key -> between(path + "." + key, left.get(key), right.get(key)).stream())
          .findFirst();
    }
    if (expected instanceof JsonArray left && received instanceof JsonArray right) {
      return IntStream.range(0, Math.max(left.size(), right.size()))
          .mapToObj(at -> between(path + "[" + at + "]", item(left, at), item(right, at)))
          .flatMap(Optional::stream)
          .findFirst();
    }
    return Optional.of(
        "%s: expected %s, received %s".formatted(path, shorten(expected), shorten(received)));
  }

  private static JsonElement item(JsonArray array, int at) {
    return at < array.size() ? array.get(at) : null;
  }

  private static String shorten(JsonElement value) {
    var text = value == null ? "nothing" : value.toString();
    return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "...";
  }
}
