// A conversation with a function tool, and the completions that a model might sample.
#pragma once

#include <harmony/v1/service.pb.h>

#include <string>
#include <vector>

// Adds a message to a conversation and returns its empty content.
inline harmony::v1::Content& AddMessage(harmony::v1::Conversation& conversation,
                                        harmony::v1::Role role) {
  harmony::v1::Message& message = *conversation.add_messages();
  message.mutable_author()->set_role(role);
  return *message.add_content();
}

// Returns a request for the prompt that follows a system, a developer and a user message.
inline harmony::v1::RenderConversationForCompletionRequest CannedPrompt() {
  harmony::v1::RenderConversationForCompletionRequest request;
  request.set_next_turn_role(harmony::v1::ROLE_ASSISTANT);
  harmony::v1::Conversation& conversation = *request.mutable_conversation();
  AddMessage(conversation, harmony::v1::ROLE_SYSTEM).mutable_system();

  auto& developer = *AddMessage(conversation, harmony::v1::ROLE_DEVELOPER).mutable_developer();
  harmony::v1::ToolNamespaceConfig& functions = *developer.add_tools();
  functions.set_name("functions");
  harmony::v1::ToolDescription& get_weather = *functions.add_tools();
  get_weather.set_name("get_weather");
  get_weather.set_description("Returns the weather in a city.");
  get_weather.set_parameters_json(
      R"({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})");

  auto& question = *AddMessage(conversation, harmony::v1::ROLE_USER).mutable_text();
  question.set_text("What is the weather in Oslo?");
  return request;
}

// Returns requests to encode two completions: a call of the tool, and the answer after its result.
inline std::vector<harmony::v1::EncodeRequest> CannedCompletions() {
  std::vector<harmony::v1::EncodeRequest> completions;
  for (const char* text :
       {"<|channel|>analysis<|message|>I need the weather.<|end|><|start|>assistant<|channel|>"
        "commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\": \"Oslo\"}"
        "<|call|>",
        "<|channel|>final<|message|>It rains in Oslo.<|return|>"}) {
    completions.emplace_back().set_text(text);
    completions.back().mutable_allowed_special()->set_all(true);
  }
  return completions;
}
