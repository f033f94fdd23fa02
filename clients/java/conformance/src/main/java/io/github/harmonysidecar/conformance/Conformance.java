package io.github.harmonysidecar.conformance;

import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Plays every vector of a directory against a server. */
public final class Conformance {
  private static final String USAGE = "conformance --target TARGET [--ca FILE] VECTORS_DIRECTORY";

  /** Exits with 0 if there were vectors and all of them passed. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    var words = new ArrayList<>(List.of(arguments));
    var target = option(words, "--target");
    var ca = option(words, "--ca");
    if (target.isEmpty() || words.size() != 1 || words.get(0).startsWith("--")) {
      System.err.println("usage: " + USAGE);
      System.exit(2);
    }

    ChannelCredentials credentials =
        ca.isEmpty()
            ? InsecureChannelCredentials.create()
            : TlsChannelCredentials.newBuilder().trustManager(new File(ca.get())).build();
    var channel = Grpc.newChannelBuilder(target.get(), credentials).build();
    boolean passed;
    try {
      passed = play(channel, Path.of(words.get(0)));
    } finally {
      channel.shutdownNow();
    }
    System.exit(passed ? 0 : 1);
  }

  /** Removes an option and its value from the command line, and returns the value. */
  private static Optional<String> option(List<String> words, String name) {
    int at = words.indexOf(name);
    if (at < 0 || at + 1 == words.size()) {
      return Optional.empty();
    }
    words.remove(at);
    return Optional.of(words.remove(at));
  }

  private static boolean play(Channel channel, Path directory)
      throws IOException, InterruptedException {
    List<Path> files;
    try (var entries = Files.list(directory)) {
      files = entries.filter(path -> path.toString().endsWith(".json")).sorted().toList();
    }
    var total = Tally.NONE;
    for (var file : files) {
      total = total.plus(VectorFile.read(file).play(channel));
    }
    System.out.println("total: " + total);
    return total.isSuccess();
  }
}
