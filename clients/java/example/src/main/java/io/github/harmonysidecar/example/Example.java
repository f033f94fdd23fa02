package io.github.harmonysidecar.example;

import static io.github.harmonysidecar.v1.HarmonyServiceGrpc.newBlockingV2Stub;
import static java.util.concurrent.TimeUnit.SECONDS;

import com.google.rpc.ErrorInfo;
import io.github.harmonysidecar.v1.*;
import io.github.harmonysidecar.v1.HarmonyServiceGrpc.HarmonyServiceBlockingV2Stub;
import io.grpc.*;
import io.grpc.protobuf.StatusProto;
import java.util.List;

/** Renders a prompt, then parses what a model might sample, token by token. */
final class Example {
  public static void main(String[] args) throws Exception {
    var target = args.length > 0 ? args[0] : "127.0.0.1:50051";
    var channel = Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build();
    try {
      var encoding = stub(channel).getEncoding(GetEncodingRequest.getDefaultInstance());
      var prompt = stub(channel).renderConversationForCompletion(Canned.request());
      System.out.printf("prompt: %d tokens%n", prompt.getTokensCount());
      for (var turn : List.of(Canned.CALL, Canned.ANSWER)) {
        var special = SpecialTokenSet.newBuilder().setAll(true);
        var text = EncodeRequest.newBuilder().setText(turn).setAllowedSpecial(special);
        var sampled = stub(channel).encode(text.build()).getTokensList();
        parse(channel, sampled, encoding.getStopTokensForAssistantActionsList());
      }
    } catch (StatusException e) {
      System.err.println(explain(e));
      System.exit(1);
    } finally {
      channel.shutdownNow();
    }
  }

  private static void parse(Channel channel, List<Integer> tokens, List<Integer> stopTokens)
      throws StatusException, InterruptedException {
    var call = stub(channel).parse();
    var config = ParseConfig.newBuilder().setRole(Role.ROLE_ASSISTANT);
    call.write(ParseRequest.newBuilder().setConfig(config).build());
    show(call.read());
    for (var token : tokens) {
      call.write(
          ParseRequest.newBuilder().setTokens(TokenIds.newBuilder().addTokens(token)).build());
      show(call.read());
      if (stopTokens.contains(token)) break;
    }
    call.halfClose();
    // Null is the end of the stream; if it ended with an error, read throws that error.
    for (ParseResponse last; (last = call.read()) != null; ) show(last);
  }

  private static void show(ParseResponse response) {
    for (var event : response.getEventsList()) {
      switch (event.getEventCase()) {
        case STARTED -> {
          var started = event.getStarted();
          var recipient = started.hasRecipient() ? " to " + started.getRecipient() : "";
          System.out.print("[" + started.getChannel() + recipient + "] ");
        }
        case DELTA -> System.out.print(event.getDelta().getText());
        case COMPLETED -> System.out.println();
      }
    }
  }

  /** Returns a stub for one call: a deadline is a point in time, so each call needs a new one. */
  private static HarmonyServiceBlockingV2Stub stub(Channel channel) {
    return newBlockingV2Stub(channel).withDeadlineAfter(30, SECONDS);
  }

  private static String explain(StatusException error) throws Exception {
    var reason = "no reason";
    for (var detail : StatusProto.fromThrowable(error).getDetailsList()) {
      if (detail.is(ErrorInfo.class)) reason = detail.unpack(ErrorInfo.class).getReason();
    }
    return error.getMessage() + " (" + reason + ")"; // The message includes the code.
  }
}
