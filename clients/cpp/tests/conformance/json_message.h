#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>

namespace conformance {

// Converts a message to canonical JSON.
nlohmann::json ToJson(const google::protobuf::Message& message);

// Parses canonical JSON into a message; throws std::runtime_error if that fails.
void FromJson(const nlohmann::json& json, google::protobuf::Message& message);

}  // namespace conformance
