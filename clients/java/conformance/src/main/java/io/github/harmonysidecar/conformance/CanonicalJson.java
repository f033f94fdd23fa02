package io.github.harmonysidecar.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.JsonFormat.TypeRegistry;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;

/** Converts protobuf messages to canonical JSON and back. */
final class CanonicalJson {
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer()
          .usingTypeRegistry(
              TypeRegistry.newBuilder()
                  .add(ErrorInfo.getDescriptor())
                  .add(BadRequest.getDescriptor())
                  .build());

  private CanonicalJson() {}

  static JsonObject toJson(Message message) throws InvalidProtocolBufferException {
    return JsonParser.parseString(PRINTER.print(message)).getAsJsonObject();
  }

  /** Parses a message of the same type as another one. */
  @SuppressWarnings("unchecked")
  static <M extends Message> M fromJson(JsonElement json, M type)
      throws InvalidProtocolBufferException {
    var builder = type.newBuilderForType();
    JsonFormat.parser().merge(json.toString(), builder);
    return (M) builder.build();
  }

  /** Returns the list at a key, or an empty list if there is none. */
  static JsonArray arrayAt(JsonObject object, String key) {
    return object.has(key) ? object.getAsJsonArray(key) : new JsonArray();
  }
}
