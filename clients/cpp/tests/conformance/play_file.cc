#include "play_file.h"

#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "call.h"
#include "compare.h"

namespace conformance {
namespace {

using nlohmann::json;

// Plays a vector and describes how the outcome differs from it; empty if it does not.
std::string Play(const std::shared_ptr<grpc::Channel>& channel,
                 const google::protobuf::MethodDescriptor& rpc, const json& vector) {
  try {
    return Difference(vector, Call(channel, rpc, vector.at("requests")));
  } catch (const std::exception& exception) {
    return std::string("  ") + exception.what();
  }
}

}  // namespace

Tally PlayFile(const std::shared_ptr<grpc::Channel>& channel, const std::filesystem::path& path) {
  const json file = json::parse(std::ifstream(path));
  const auto name = file.at("rpc").get<std::string>();
  Tally tally;
  if (const auto* rpc = FindRpc(name)) {
    for (const json& vector : file.at("vectors")) {
      const std::string difference = Play(channel, *rpc, vector);
      if (difference.empty()) {
        ++tally.passed;
      } else {
        ++tally.failed;
        std::cerr << "FAILED " << vector.at("name").get<std::string>() << "\n"
                  << difference << "\n";
      }
    }
  } else {
    ++tally.failed;
    std::cerr << "FAILED " << path.string() << "\n  the service has no RPC " << name << "\n";
  }
  std::cout << name << ": " << tally.passed << " passed, " << tally.failed << " failed\n";
  return tally;
}

}  // namespace conformance
