#pragma once

#include <harmony/v1/service.grpc.pb.h>

#include <nlohmann/json.hpp>
#include <string>

namespace conformance {

// Returns whether the service has an RPC of this name.
bool IsRpc(const std::string& name);

// Calls an RPC with requests in canonical JSON. Returns {"responses": [...], "error": {...}}, in
// canonical JSON too, without "error" where the RPC ended with OK.
nlohmann::json Call(harmony::v1::HarmonyService::Stub& stub, const std::string& rpc,
                    const nlohmann::json& requests);

}  // namespace conformance
