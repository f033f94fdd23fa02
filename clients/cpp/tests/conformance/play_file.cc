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

// Returns what is wrong with the outcome of a vector; empty where nothing is.
std::string Play(harmony::v1::HarmonyService::Stub& stub, const std::string& rpc,
                 const json& vector) {
  try {
    return Difference(vector, Call(stub, rpc, vector.at("requests")));
  } catch (const std::exception& exception) {
    return std::string("  ") + exception.what();
  }
}

}  // namespace

Tally PlayFile(harmony::v1::HarmonyService::Stub& stub, const std::filesystem::path& path) {
  const json file = json::parse(std::ifstream(path));
  const auto rpc = file.at("rpc").get<std::string>();
  Tally tally;
  if (IsRpc(rpc)) {
    for (const json& vector : file.at("vectors")) {
      const std::string difference = Play(stub, rpc, vector);
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
    std::cerr << "FAILED " << path.string() << "\n  the service has no RPC " << rpc << "\n";
  }
  std::cout << rpc << ": " << tally.passed << " passed, " << tally.failed << " failed\n";
  return tally;
}

}  // namespace conformance
