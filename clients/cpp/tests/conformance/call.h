#pragma once

#include <google/protobuf/descriptor.h>
#include <grpcpp/channel.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace conformance {

// Returns the RPC of this name; null if the service has none.
const google::protobuf::MethodDescriptor* FindRpc(const std::string& name);

// Calls an RPC with requests in canonical JSON. Returns {"responses": [...], "error": {...}}, also
// in canonical JSON; there is no "error" if the RPC ended with OK.
nlohmann::json Call(const std::shared_ptr<grpc::Channel>& channel,
                    const google::protobuf::MethodDescriptor& rpc, const nlohmann::json& requests);

}  // namespace conformance
