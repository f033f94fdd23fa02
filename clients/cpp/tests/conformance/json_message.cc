#include "json_message.h"

#include <google/protobuf/util/json_util.h>

#include <stdexcept>
#include <string>

namespace conformance {
namespace {

template <typename Status>
void Check(const Status& status) {
  if (!status.ok()) {
    throw std::runtime_error(status.ToString());
  }
}

}  // namespace

nlohmann::json ToJson(const google::protobuf::Message& message) {
  std::string text;
  Check(google::protobuf::util::MessageToJsonString(message, &text));
  return nlohmann::json::parse(text);
}

void FromJson(const nlohmann::json& json, google::protobuf::Message& message) {
  Check(google::protobuf::util::JsonStringToMessage(json.dump(), &message));
}

}  // namespace conformance
