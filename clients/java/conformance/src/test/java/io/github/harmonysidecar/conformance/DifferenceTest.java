package io.github.harmonysidecar.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonParser;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DifferenceTest {
  @Test
  void theOrderOfKeysAndTheSpellingOfNumbersDoNotMatter() {
    assertEquals(Optional.empty(), between("{\"a\": 1, \"b\": [2.0]}", "{\"b\": [2], \"a\": 1}"));
  }

  @Test
  void theFirstDifferenceIsNamedByItsPath() {
    assertEquals(
        Optional.of(".a[1].b: expected 2, received 3"),
        between("{\"a\": [0, {\"b\": 2}]}", "{\"a\": [0, {\"b\": 3}]}"));
  }

  @Test
  void whatIsMissingOrTooMuchIsADifference() {
    assertEquals(Optional.of(".a: expected 1, received nothing"), between("{\"a\": 1}", "{}"));
    assertEquals(Optional.of("[1]: expected nothing, received 2"), between("[1]", "[1, 2]"));
  }

  @Test
  void aTextIsNotTheNumberItSpells() {
    assertEquals(Optional.of(": expected \"1\", received 1"), between("\"1\"", "1"));
  }

  private static Optional<String> between(String expected, String received) {
    return Difference.between(
        "", JsonParser.parseString(expected), JsonParser.parseString(received));
  }
}
