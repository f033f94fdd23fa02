package io.github.harmonysidecar.conformance;

import static io.github.harmonysidecar.conformance.CanonicalJson.fromJson;
import static io.github.harmonysidecar.conformance.CanonicalJson.toJson;

import com.google.gson.JsonArray;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.github.harmonysidecar.openai.v1.OpenAIServiceGrpc;
import io.github.harmonysidecar.v1.HarmonyServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.ServiceDescriptor;
import io.grpc.StatusException;
import io.grpc.stub.ClientCalls;
import java.util.ArrayList;
import java.util.List;

/** Makes one call: adds each response to {@code responses}, and throws the error of the call. */
record Player(Channel channel, CallOptions options, JsonArray requests, JsonArray responses) {
  private static final List<ServiceDescriptor> SERVICES =
      List.of(HarmonyServiceGrpc.getServiceDescriptor(), OpenAIServiceGrpc.getServiceDescriptor());

  void play(String rpc)
      throws StatusException, InvalidProtocolBufferException, InterruptedException {
    var method = methodOf(rpc);
    var prototype =
        ((PrototypeMarshaller<Message>) method.getRequestMarshaller()).getMessagePrototype();
    var messages = new ArrayList<Message>();
    for (var request : requests) {
      messages.add(fromJson(request, prototype));
    }
    if (method.getType() == MethodDescriptor.MethodType.UNARY) {
      unary(method, messages);
    } else {
      stream(method, messages);
    }
  }

  @SuppressWarnings("unchecked") // Every message of the services is a protobuf message.
  private static MethodDescriptor<Message, Message> methodOf(String rpc) {
    for (var service : SERVICES) {
      for (var method : service.getMethods()) {
        if (rpc.equals(method.getBareMethodName())) {
          return (MethodDescriptor<Message, Message>) method;
        }
      }
    }
    throw new IllegalArgumentException("no service has the RPC " + rpc);
  }

  private void unary(MethodDescriptor<Message, Message> method, List<Message> messages)
      throws StatusException, InvalidProtocolBufferException, InterruptedException {
    if (messages.size() != 1) {
      throw new IllegalArgumentException("a unary RPC needs exactly one request");
    }
    var response = ClientCalls.blockingV2UnaryCall(channel, method, options, messages.get(0));
    responses.add(toJson(response));
  }

  private void stream(MethodDescriptor<Message, Message> method, List<Message> messages)
      throws StatusException, InvalidProtocolBufferException, InterruptedException {
    var call = ClientCalls.blockingBidiStreamingCall(channel, method, options);
    for (var message : messages) {
      call.write(message);
      var response = call.read();
      if (response == null) {
        return;
      }
      responses.add(toJson(response));
    }
    call.halfClose();
    for (Message response; (response = call.read()) != null; ) {
      responses.add(toJson(response));
    }
  }
}
