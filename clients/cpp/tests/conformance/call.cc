#include "call.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#include "json_message.h"

namespace conformance {
namespace {

using Stub = harmony::v1::HarmonyService::Stub;
using nlohmann::json;
using Caller = std::function<json(Stub&, const json& requests)>;

constexpr std::chrono::seconds kTimeout(30);

// Returns a status as the JSON of google.rpc.Status.
json ErrorToJson(const grpc::Status& status) {
  // Otherwise the linker drops what nothing else refers to, and the JSON printer needs both.
  google::protobuf::LinkMessageReflection<google::rpc::BadRequest>();
  google::protobuf::LinkMessageReflection<google::rpc::ErrorInfo>();

  const int code = status.error_code();
  if (status.error_details().empty()) {
    return {{"code", code}, {"message", status.error_message()}};
  }
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) {
    throw std::runtime_error("grpc-status-details-bin is no google.rpc.Status");
  }
  if (details.code() != code) {
    throw std::runtime_error("the code is " + std::to_string(code) + ", in the details it is " +
                             std::to_string(details.code()));
  }
  return ToJson(details);
}

json Outcome(const json& responses, const grpc::Status& status) {
  json outcome = {{"responses", responses}};
  if (!status.ok()) {
    outcome["error"] = ErrorToJson(status);
  }
  return outcome;
}

template <typename Request, typename Response>
Caller CallerOf(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
  return [method](Stub& stub, const json& requests) {
    Request request;
    FromJson(requests.at(0), request);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    return Outcome(status.ok() ? json::array({ToJson(response)}) : json::array(), status);
  };
}

template <typename Request, typename Response>
using Stream = std::unique_ptr<grpc::ClientReaderWriter<Request, Response>>;

template <typename Request, typename Response>
Caller CallerOf(Stream<Request, Response> (Stub::*method)(grpc::ClientContext*)) {
  return [method](Stub& stub, const json& requests) {
    std::vector<Request> messages(requests.size());
    for (size_t i = 0; i < messages.size(); ++i) {
      FromJson(requests[i], messages[i]);
    }
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    const auto stream = (stub.*method)(&context);
    json responses = json::array();
    Response response;
    for (const Request& message : messages) {
      if (!stream->Write(message) || !stream->Read(&response)) {
        break;
      }
      responses.push_back(ToJson(response));
    }
    stream->WritesDone();
    while (stream->Read(&response)) {
      responses.push_back(ToJson(response));
    }
    return Outcome(responses, stream->Finish());
  };
}

const std::map<std::string, Caller>& Callers() {
  static const std::map<std::string, Caller> kCallers = {
      {"Decode", CallerOf(&Stub::Decode)},
      {"Encode", CallerOf(&Stub::Encode)},
      {"GetEncoding", CallerOf(&Stub::GetEncoding)},
      {"GetRenderCacheStatistics", CallerOf(&Stub::GetRenderCacheStatistics)},
      {"Parse", CallerOf(&Stub::Parse)},
      {"ParseBatch", CallerOf(&Stub::ParseBatch)},
      {"ParseMessages", CallerOf(&Stub::ParseMessages)},
      {"Render", CallerOf(&Stub::Render)},
      {"RenderConversation", CallerOf(&Stub::RenderConversation)},
      {"RenderConversationForCompletion", CallerOf(&Stub::RenderConversationForCompletion)},
      {"RenderConversationForTraining", CallerOf(&Stub::RenderConversationForTraining)},
  };
  return kCallers;
}

}  // namespace

bool IsRpc(const std::string& name) { return Callers().count(name) == 1; }

json Call(Stub& stub, const std::string& rpc, const json& requests) {
  return Callers().at(rpc)(stub, requests);
}

}  // namespace conformance
