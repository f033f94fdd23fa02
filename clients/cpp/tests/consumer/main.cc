// Checks that the installed package compiles, links and runs: calls a server that does not exist.
#include <google/rpc/error_details.pb.h>
#include <grpcpp/grpcpp.h>
#include <harmony/v1/service.grpc.pb.h>

int main() {
  const auto stub = harmony::v1::HarmonyService::NewStub(
      grpc::CreateChannel("unix:///nonexistent/harmony.sock", grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  harmony::v1::GetEncodingResponse response;
  const grpc::Status status = stub->GetEncoding(&context, {}, &response);
  const bool has_details = google::rpc::ErrorInfo::descriptor()->field_count() == 3;
  return status.error_code() == grpc::StatusCode::UNAVAILABLE && has_details ? 0 : 1;
}
