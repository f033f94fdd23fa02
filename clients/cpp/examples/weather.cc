// Renders prompts and streams canned completions through Parse, as an engine would sample them.
#include <harmony/v1/service.grpc.pb.h>

#include <algorithm>
#include <iostream>

#include "call.h"
#include "conversation.h"

namespace v1 = harmony::v1;
using Stub = v1::HarmonyService::Stub;

v1::EncodeResponse Sample(Stub& stub, const v1::Conversation& prompt, const std::string& text) {
  v1::RenderConversationForCompletionRequest render;
  *render.mutable_conversation() = prompt;
  render.set_next_turn_role(v1::ROLE_ASSISTANT);
  const auto rendered = Call(stub, &Stub::RenderConversationForCompletion, render);
  std::cout << "(prompt of " << rendered.tokens_size() << " tokens)\n";

  v1::EncodeRequest encode;  // Stands for the engine.
  encode.set_text(text);
  encode.mutable_allowed_special()->set_all(true);
  return Call(stub, &Stub::Encode, encode);
}

// Prints what comes as it comes, and adds the messages to the conversation.
void Show(const v1::ParseResponse& response, v1::Conversation& conversation) {
  for (const v1::ParseEvent& event : response.events()) {
    if (event.has_started()) std::cout << "[" << event.started().channel() << "] ";
    if (event.started().has_recipient()) std::cout << "to " << event.started().recipient() << " ";
    std::cout << event.delta().text() << (event.has_completed() ? "\n" : "") << std::flush;
    if (event.has_completed()) *conversation.add_messages() = event.completed().message();
  }
}

void Complete(Stub& stub, v1::Conversation& conversation, const std::string& completion) {
  const auto encoding = Call(stub, &Stub::GetEncoding, v1::GetEncodingRequest());
  const auto& stops = encoding.stop_tokens_for_assistant_actions();
  const v1::EncodeResponse sampled = Sample(stub, conversation, completion);

  Context context;
  const auto stream = stub.Parse(&context);
  v1::ParseRequest request;
  v1::ParseResponse response;
  request.mutable_config()->set_role(v1::ROLE_ASSISTANT);
  stream->Write(request);
  stream->Read(&response);
  for (const uint32_t token : sampled.tokens()) {
    request.mutable_tokens()->Clear();
    request.mutable_tokens()->add_tokens(token);
    // False where the server has ended the stream; Finish says why.
    if (!stream->Write(request) || !stream->Read(&response)) break;
    Show(response, conversation);
    if (std::find(stops.begin(), stops.end(), token) != stops.end()) break;
  }
  stream->WritesDone();
  if (stream->Read(&response)) Show(response, conversation);
  Check(stream->Finish());
}

int main(int argc, char** argv) try {
  const std::string target = argc > 1 ? argv[1] : "127.0.0.1:50051";
  const auto channel = grpc::CreateChannel(target, grpc::InsecureChannelCredentials());
  const auto stub = v1::HarmonyService::NewStub(channel);
  v1::Conversation conversation = AskForWeather();
  Complete(*stub, conversation,
           "<|channel|>analysis<|message|>I need the weather.<|end|><|start|>assistant<|channel|>"
           "commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\": \"Oslo\"}"
           "<|call|>");
  AnswerToolCall(conversation);
  Complete(*stub, conversation, "<|channel|>final<|message|>It rains in Oslo.<|return|>");
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
