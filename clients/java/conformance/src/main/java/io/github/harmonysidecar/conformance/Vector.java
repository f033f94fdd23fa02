package io.github.harmonysidecar.conformance;

import static io.github.harmonysidecar.conformance.CanonicalJson.arrayAt;
import static io.github.harmonysidecar.conformance.CanonicalJson.toJson;
import static java.util.concurrent.TimeUnit.SECONDS;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.StatusException;
import io.grpc.protobuf.StatusProto;
import java.util.Optional;

/** One call: its requests and the expected outcome. */
record Vector(JsonObject json) {
  private static final int DEADLINE_SECONDS = 30;

  String name() {
    return json.get("name").getAsString();
  }

  /** Makes the call and describes the first difference from the expected outcome, if any. */
  Optional<String> play(String rpc, Channel channel) throws InterruptedException {
    try {
      return Difference.between("", expected(), received(rpc, channel));
    } catch (StatusException | InvalidProtocolBufferException | RuntimeException e) {
      return Optional.of(e.toString());
    }
  }

  private JsonObject expected() {
    var error = json.getAsJsonObject("error");
    var code = error == null ? 0 : error.get("code").getAsInt();
    return outcome(code, arrayAt(json, "responses"), error);
  }

  private JsonObject received(String rpc, Channel channel)
      throws StatusException, InvalidProtocolBufferException, InterruptedException {
    var options = CallOptions.DEFAULT.withDeadlineAfter(DEADLINE_SECONDS, SECONDS);
    var responses = new JsonArray();
    var code = 0;
    JsonObject error = null;
    try {
      new Player(channel, options, arrayAt(json, "requests"), responses).play(rpc);
    } catch (StatusException e) {
      if (!json.has("error")) {
        throw e;
      }
      code = e.getStatus().getCode().value();
      error = toJson(StatusProto.fromThrowable(e));
      HumanTexts.removeFromStatus(error);
    }
    for (var response : responses) {
      HumanTexts.removeFromResponse(response.getAsJsonObject());
      for (var key : arrayAt(json, "ignore")) {
        response.getAsJsonObject().remove(key.getAsString());
      }
    }
    return outcome(code, responses, error);
  }

  private static JsonObject outcome(int code, JsonArray responses, JsonObject error) {
    var outcome = new JsonObject();
    outcome.addProperty("code", code);
    outcome.add("responses", responses);
    outcome.add("error", error);
    return outcome;
  }
}
