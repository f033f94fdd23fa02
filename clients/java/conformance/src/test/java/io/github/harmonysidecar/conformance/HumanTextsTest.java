package io.github.harmonysidecar.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;

class HumanTextsTest {
  private static final String WITH_TEXTS =
      """
      {"code": 3, "message": "m", "details": [
        {"@type": "t", "fieldViolations": [{"field": "f", "description": "d"}]},
        {"reason": "r"}]}""";
  private static final String WITHOUT_TEXTS =
      """
      {"code": 3, "details": [{"@type": "t", "fieldViolations": [{"field": "f"}]}, {"reason": "r"}]}\
      """;

  @Test
  void aStatusLosesItsMessageAndItsDescriptions() {
    var status = object(WITH_TEXTS);
    HumanTexts.removeFromStatus(status);
    assertEquals(object(WITHOUT_TEXTS), status);
  }

  @Test
  void soDoTheErrorsAmongEvents() {
    var response = object("{\"events\": [{\"sequenceId\": 1}, {\"error\": " + WITH_TEXTS + "}]}");
    HumanTexts.removeFromResponse(response);
    assertEquals(
        object("{\"events\": [{\"sequenceId\": 1}, {\"error\": " + WITHOUT_TEXTS + "}]}"),
        response);
  }

  private static JsonObject object(String json) {
    return JsonParser.parseString(json).getAsJsonObject();
  }
}
