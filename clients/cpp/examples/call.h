// What every call needs: a deadline, and a look at its status.
#pragma once

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <stdexcept>
#include <string>

// The context of one call. Without a deadline a call may last for ever.
struct Context : grpc::ClientContext {
  Context() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10)); }
};

inline void Check(const grpc::Status& status) {
  if (status.ok()) return;
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  google::rpc::ErrorInfo info;  // Stays empty where gRPC itself reports the error.
  for (const google::protobuf::Any& detail : details.details()) detail.UnpackTo(&info);
  const std::string reason = info.reason().empty() ? "none" : info.reason();
  throw std::runtime_error("code " + std::to_string(status.error_code()) + ", reason " + reason +
                           ": " + status.error_message());
}

// Calls a unary RPC.
template <typename Stub, typename Request, typename Response>
Response Call(Stub& stub,
              grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
              const Request& request) {
  Context context;
  Response response;
  Check((stub.*rpc)(&context, request, &response));
  return response;
}
