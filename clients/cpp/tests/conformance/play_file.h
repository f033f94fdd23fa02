#pragma once

#include <harmony/v1/service.grpc.pb.h>

#include <filesystem>

namespace conformance {

struct Tally {
  int passed = 0;
  int failed = 0;
};

// Plays the vectors of a file; prints the failures to standard error, and the tally to standard
// output.
Tally PlayFile(harmony::v1::HarmonyService::Stub& stub, const std::filesystem::path& path);

}  // namespace conformance
