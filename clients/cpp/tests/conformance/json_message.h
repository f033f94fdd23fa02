#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>

namespace conformance {

// Returns a message in canonical JSON.
nlohmann::json ToJson(const google::protobuf::Message& message);

// Sets a message to what canonical JSON says; throws std::runtime_error where it says nothing.
void FromJson(const nlohmann::json& json, google::protobuf::Message& message);

}  // namespace conformance
