package io.github.harmonysidecar.conformance;

import static io.github.harmonysidecar.conformance.CanonicalJson.arrayAt;

import com.google.gson.JsonObject;

/** Removes the texts of errors that are for people: they may change, and no vector has them. */
final class HumanTexts {
  private HumanTexts() {}

  /** Removes the texts of a google.rpc.Status. */
  static void removeFromStatus(JsonObject status) {
    status.remove("message");
    for (var detail : arrayAt(status, "details")) {
      for (var violation : arrayAt(detail.getAsJsonObject(), "fieldViolations")) {
        violation.getAsJsonObject().remove("description");
      }
    }
  }

  /** Removes the texts of the errors in the events of a response. */
  static void removeFromResponse(JsonObject response) {
    for (var event : arrayAt(response, "events")) {
      var error = event.getAsJsonObject().getAsJsonObject("error");
      if (error != null) {
        removeFromStatus(error);
      }
    }
  }
}
