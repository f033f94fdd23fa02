package io.github.harmonysidecar.conformance;

import static io.github.harmonysidecar.conformance.CanonicalJson.fromJson;
import static io.github.harmonysidecar.conformance.CanonicalJson.toJson;

import com.google.gson.JsonArray;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.github.harmonysidecar.v1.DecodeRequest;
import io.github.harmonysidecar.v1.EncodeRequest;
import io.github.harmonysidecar.v1.GetEncodingRequest;
import io.github.harmonysidecar.v1.GetRenderCacheStatisticsRequest;
import io.github.harmonysidecar.v1.HarmonyServiceGrpc.HarmonyServiceBlockingV2Stub;
import io.github.harmonysidecar.v1.ParseBatchRequest;
import io.github.harmonysidecar.v1.ParseMessagesRequest;
import io.github.harmonysidecar.v1.ParseRequest;
import io.github.harmonysidecar.v1.RenderConversationForCompletionRequest;
import io.github.harmonysidecar.v1.RenderConversationForTrainingRequest;
import io.github.harmonysidecar.v1.RenderConversationRequest;
import io.github.harmonysidecar.v1.RenderRequest;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.util.ArrayList;
import java.util.function.Supplier;

/** Plays requests: adds each response to the responses, and throws the error of the RPC. */
record Player(HarmonyServiceBlockingV2Stub stub, JsonArray requests, JsonArray responses) {
  /** A unary method of the stub. */
  @FunctionalInterface
  private interface Unary<Q> {
    Message call(Q request) throws StatusException, InterruptedException;
  }

  void play(String rpc)
      throws StatusException, InvalidProtocolBufferException, InterruptedException {
    switch (rpc) {
      case "Decode" -> unary(DecodeRequest.getDefaultInstance(), stub::decode);
      case "Encode" -> unary(EncodeRequest.getDefaultInstance(), stub::encode);
      case "GetEncoding" -> unary(GetEncodingRequest.getDefaultInstance(), stub::getEncoding);
      case "GetRenderCacheStatistics" ->
          unary(
              GetRenderCacheStatisticsRequest.getDefaultInstance(), stub::getRenderCacheStatistics);
      case "Parse" -> stream(ParseRequest.getDefaultInstance(), stub::parse);
      case "ParseBatch" -> stream(ParseBatchRequest.getDefaultInstance(), stub::parseBatch);
      case "ParseMessages" -> unary(ParseMessagesRequest.getDefaultInstance(), stub::parseMessages);
      case "Render" -> unary(RenderRequest.getDefaultInstance(), stub::render);
      case "RenderConversation" ->
          unary(RenderConversationRequest.getDefaultInstance(), stub::renderConversation);
      case "RenderConversationForCompletion" ->
          unary(
              RenderConversationForCompletionRequest.getDefaultInstance(),
              stub::renderConversationForCompletion);
      case "RenderConversationForTraining" ->
          unary(
              RenderConversationForTrainingRequest.getDefaultInstance(),
              stub::renderConversationForTraining);
      default -> throw new IllegalArgumentException("no RPC " + rpc);
    }
  }

  private <Q extends Message> void unary(Q type, Unary<Q> method)
      throws StatusException, InvalidProtocolBufferException, InterruptedException {
    if (requests.size() != 1) {
      throw new IllegalArgumentException("a unary RPC has one request");
    }
    responses.add(toJson(method.call(fromJson(requests.get(0), type))));
  }

  private <Q extends Message, R extends Message> void stream(
      Q type, Supplier<BlockingClientCall<Q, R>> method)
      throws StatusException, InvalidProtocolBufferException, InterruptedException {
    var messages = new ArrayList<Q>();
    for (var request : requests) {
      messages.add(fromJson(request, type));
    }
    var call = method.get();
    for (var message : messages) {
      call.write(message);
      var response = call.read();
      if (response == null) {
        return;
      }
      responses.add(toJson(response));
    }
    call.halfClose();
    for (R response; (response = call.read()) != null; ) {
      responses.add(toJson(response));
    }
  }
}
