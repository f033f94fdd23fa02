package io.github.harmonysidecar.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import io.grpc.Channel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The vectors of one RPC. */
record VectorFile(String rpc, JsonArray vectors) {
  static VectorFile read(Path path) throws IOException {
    try (var reader = Files.newBufferedReader(path)) {
      var file = JsonParser.parseReader(reader).getAsJsonObject();
      return new VectorFile(file.get("rpc").getAsString(), file.getAsJsonArray("vectors"));
    }
  }

  /** Plays every vector; prints each failure, then a line for the RPC. */
  Tally play(Channel channel) throws InterruptedException {
    var tally = Tally.NONE;
    for (var element : vectors) {
      var vector = new Vector(element.getAsJsonObject());
      var failure = vector.play(rpc, channel);
      failure.ifPresent(text -> System.out.println("FAILED " + vector.name() + "\n  " + text));
      tally = tally.plus(failure.isEmpty() ? Tally.PASSED : Tally.FAILED);
    }
    System.out.println(rpc + ": " + tally);
    return tally;
  }
}
