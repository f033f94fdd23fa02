#pragma once

#include <grpcpp/channel.h>

#include <filesystem>
#include <memory>

namespace conformance {

struct Tally {
  int passed = 0;
  int failed = 0;
};

// Plays the vectors of a file. Prints failures to standard error and the tally to standard output.
Tally PlayFile(const std::shared_ptr<grpc::Channel>& channel, const std::filesystem::path& path);

}  // namespace conformance
