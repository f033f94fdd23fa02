package io.github.harmonysidecar.conformance;

import static io.github.harmonysidecar.conformance.CanonicalJson.arrayAt;

import com.google.gson.JsonObject;

/** The texts of errors that are made for people and may change: no vector has them. */
final class HumanTexts {
  private HumanTexts() {}

  /** Removes them from a google.rpc.Status. */
  static void removeFromStatus(JsonObject status) {
    status.remove("message");
    for (var detail : arrayAt(status, "details")) {
      for (var violation : arrayAt(detail.getAsJsonObject(), "fieldViolations")) {
        violation.getAsJsonObject().remove("description");
      }
    }
  }

  /** Removes them from the errors among the events of a response. */
  static void removeFromResponse(JsonObject response) {
    for (var event : arrayAt(response, "events")) {
      var error = event.getAsJsonObject().getAsJsonObject("error");
      if (error != null) {
        removeFromStatus(error);
      }
    }
  }
}
