// Renders a prompt with a tool, then parses what a model might sample, token by token.
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>
#include <harmony/v1/service.grpc.pb.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>

#include "canned.h"

namespace v1 = harmony::v1;

// Returns the context of one call. A call without a deadline may never end.
std::unique_ptr<grpc::ClientContext> Timed() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  return context;
}

void Check(const grpc::Status& status) {
  if (status.ok()) return;
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  google::rpc::ErrorInfo info;  // Stays empty if gRPC itself reports the error.
  for (const auto& detail : details.details()) detail.UnpackTo(&info);
  std::cerr << status.error_code() << " " << info.reason() << ": " << status.error_message()
            << "\n";
  std::exit(1);
}

void Show(const v1::ParseResponse& response) {
  for (const v1::ParseEvent& event : response.events()) {
    if (event.has_started()) std::cout << "[" << event.started().channel() << "] ";
    if (event.started().has_recipient()) std::cout << "to " << event.started().recipient() << " ";
    std::cout << event.delta().text() << (event.has_completed() ? "\n" : "") << std::flush;
  }
}

int main(int argc, char** argv) {
  const std::string target = argc > 1 ? argv[1] : "127.0.0.1:50051";
  const auto channel = grpc::CreateChannel(target, grpc::InsecureChannelCredentials());
  const auto stub = v1::HarmonyService::NewStub(channel);
  v1::GetEncodingResponse encoding;
  Check(stub->GetEncoding(Timed().get(), {}, &encoding));
  const auto& stops = encoding.stop_tokens_for_assistant_actions();
  v1::RenderConversationForCompletionResponse prompt;
  Check(stub->RenderConversationForCompletion(Timed().get(), CannedPrompt(), &prompt));
  std::cout << "The prompt has " << prompt.tokens_size() << " tokens.\n";

  for (const v1::EncodeRequest& completion : CannedCompletions()) {
    v1::EncodeResponse sampled;  // In place of the engine.
    Check(stub->Encode(Timed().get(), completion, &sampled));
    const auto context = Timed();
    const auto stream = stub->Parse(context.get());
    v1::ParseRequest request;
    v1::ParseResponse response;
    request.mutable_config()->set_role(v1::ROLE_ASSISTANT);
    stream->Write(request);
    stream->Read(&response);
    for (const uint32_t token : sampled.tokens()) {
      request.mutable_tokens()->Clear();
      request.mutable_tokens()->add_tokens(token);
      // False if the server has ended the stream; Finish returns the reason.
      if (!stream->Write(request) || !stream->Read(&response)) break;
      Show(response);
      if (std::find(stops.begin(), stops.end(), token) != stops.end()) break;
    }
    stream->WritesDone();
    if (stream->Read(&response)) Show(response);
    Check(stream->Finish());
  }
}
