package io.github.harmonysidecar.conformance;

import static io.github.harmonysidecar.conformance.CanonicalJson.arrayAt;

import com.google.gson.JsonObject;
import java.util.List;

/** Removes the texts of errors that are for people: they may change, and no vector has them. */
final class HumanTexts {
  private HumanTexts() {}

  /** Removes the texts of a google.rpc.Status. */
  static void removeFromStatus(JsonObject status) {
    status.remove("message");
    for (var detail : arrayAt(status, "details")) {
      var metadata = detail.getAsJsonObject().getAsJsonObject("metadata");
      if (metadata != null) {
        metadata.remove("openai_error_json");
      }
      for (var violation : arrayAt(detail.getAsJsonObject(), "fieldViolations")) {
        violation.getAsJsonObject().remove("description");
      }
    }
  }

  /** Removes the texts of the errors of ParseBatch's events and StreamAnswerBatch's ends. */
  static void removeFromResponse(JsonObject response) {
    for (var key : List.of("events", "ended")) {
      for (var event : arrayAt(response, key)) {
        var error = event.getAsJsonObject().getAsJsonObject("error");
        if (error != null) {
          removeFromStatus(error);
        }
      }
    }
  }
}
