#include "call.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <harmony/openai/v1/openai.pb.h>
#include <harmony/v1/service.grpc.pb.h>

#include <chrono>
#include <stdexcept>
#include <vector>

#include "json_message.h"

namespace conformance {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;
using nlohmann::json;

constexpr std::chrono::seconds kTimeout(30);

// Returns a status as the JSON of google.rpc.Status.
json ErrorToJson(const grpc::Status& status) {
  // The JSON printer needs both; the linker drops them if nothing refers to them.
  google::protobuf::LinkMessageReflection<google::rpc::BadRequest>();
  google::protobuf::LinkMessageReflection<google::rpc::ErrorInfo>();

  const int code = status.error_code();
  if (status.error_details().empty()) {
    return {{"code", code}, {"message", status.error_message()}};
  }
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) {
    throw std::runtime_error("grpc-status-details-bin is not a google.rpc.Status");
  }
  if (details.code() != code) {
    throw std::runtime_error("the code is " + std::to_string(code) + ", in the details it is " +
                             std::to_string(details.code()));
  }
  return ToJson(details);
}

std::unique_ptr<Message> NewMessage(const Descriptor& type) {
  return std::unique_ptr<Message>(MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

}  // namespace

const MethodDescriptor* FindRpc(const std::string& name) {
  for (const Descriptor* message : {harmony::v1::GetEncodingRequest::descriptor(),
                                    harmony::openai::v1::BuildAnswerRequest::descriptor()}) {
    if (const auto* rpc = message->file()->service(0)->FindMethodByName(name)) {
      return rpc;
    }
  }
  return nullptr;
}

json Call(const std::shared_ptr<grpc::Channel>& channel, const MethodDescriptor& rpc,
          const json& requests) {
  std::vector<std::unique_ptr<Message>> messages;
  for (const json& request : requests) {
    messages.push_back(NewMessage(*rpc.input_type()));
    FromJson(request, *messages.back());
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  grpc::CompletionQueue queue;
  // Waits for the operation in progress; returns whether it succeeded.
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool succeeded = false;
    return queue.Next(&tag, &succeeded) && succeeded;
  };
  grpc::TemplatedGenericStub<Message, Message> stub(channel);
  const std::string path = "/" + rpc.service()->full_name() + "/" + rpc.name();
  const auto call = stub.PrepareCall(&context, path, &queue);
  call->StartCall(nullptr);
  wait();
  json responses = json::array();
  const auto read = [&] {
    const auto response = NewMessage(*rpc.output_type());
    call->Read(response.get(), nullptr);
    if (!wait()) {
      return false;
    }
    responses.push_back(ToJson(*response));
    return true;
  };
  for (const auto& message : messages) {
    call->Write(*message, nullptr);
    if (!wait() || (rpc.client_streaming() && !read())) {
      break;
    }
  }
  call->WritesDone(nullptr);
  wait();
  while (read()) {
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  json outcome = {{"responses", responses}};
  if (!status.ok()) {
    outcome["error"] = ErrorToJson(status);
  }
  return outcome;
}

}  // namespace conformance
