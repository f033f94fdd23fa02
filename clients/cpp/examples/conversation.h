// A conversation with a function tool.
#pragma once

#include <harmony/v1/chat.pb.h>

// Adds a message to a conversation; returns its content, which is yet to be set.
inline harmony::v1::Content& AddMessage(harmony::v1::Conversation& conversation,
                                        harmony::v1::Role role) {
  harmony::v1::Message& message = *conversation.add_messages();
  message.mutable_author()->set_role(role);
  return *message.add_content();
}

inline harmony::v1::Conversation AskForWeather() {
  harmony::v1::Conversation conversation;
  AddMessage(conversation, harmony::v1::ROLE_SYSTEM).mutable_system();

  auto& developer = *AddMessage(conversation, harmony::v1::ROLE_DEVELOPER).mutable_developer();
  harmony::v1::ToolNamespaceConfig& functions = *developer.add_tools();
  functions.set_name("functions");
  harmony::v1::ToolDescription& get_weather = *functions.add_tools();
  get_weather.set_name("get_weather");
  get_weather.set_description("Tells the weather of a city.");
  get_weather.set_parameters_json(
      R"({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})");

  auto& question = *AddMessage(conversation, harmony::v1::ROLE_USER).mutable_text();
  question.set_text("What is the weather in Oslo?");
  return conversation;
}

inline void AnswerToolCall(harmony::v1::Conversation& conversation) {
  AddMessage(conversation, harmony::v1::ROLE_TOOL).mutable_text()->set_text(R"({"rain": true})");
  harmony::v1::Message& message = *conversation.mutable_messages()->rbegin();
  message.mutable_author()->set_name("functions.get_weather");
  message.set_channel("commentary");
  message.set_recipient("assistant");
}
