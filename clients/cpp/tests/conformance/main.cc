// Plays the conformance vectors against a running server:
//
//   harmony-conformance --target TARGET [--ca FILE] VECTORS_DIRECTORY

#include <grpcpp/grpcpp.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "play_file.h"

namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string target;
  std::string ca_file;
  fs::path vectors;
};

std::optional<Arguments> ParseArguments(const std::vector<std::string>& words) {
  Arguments arguments;
  for (auto word = words.begin(); word != words.end(); ++word) {
    const bool has_value = std::next(word) != words.end();
    if (*word == "--target" && has_value) {
      arguments.target = *++word;
    } else if (*word == "--ca" && has_value) {
      arguments.ca_file = *++word;
    } else if (arguments.vectors.empty() && word->rfind("--", 0) != 0) {
      arguments.vectors = *word;
    } else {
      return std::nullopt;
    }
  }
  if (arguments.target.empty() || arguments.vectors.empty()) {
    return std::nullopt;
  }
  return arguments;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("cannot read " + path.string());
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<grpc::ChannelCredentials> Credentials(const std::string& ca_file) {
  if (ca_file.empty()) {
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadFile(ca_file);
  return grpc::SslCredentials(options);
}

// Returns whether there were vectors and all of them passed.
bool Run(const Arguments& arguments) {
  const auto channel = grpc::CreateChannel(arguments.target, Credentials(arguments.ca_file));
  std::set<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(arguments.vectors)) {
    if (entry.path().extension() == ".json") {
      paths.insert(entry.path());
    }
  }
  conformance::Tally total;
  for (const fs::path& path : paths) {
    const conformance::Tally tally = conformance::PlayFile(channel, path);
    total.passed += tally.passed;
    total.failed += tally.failed;
  }
  std::cout << "total: " << total.passed << " passed, " << total.failed << " failed\n";
  return total.failed == 0 && total.passed > 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = ParseArguments({argv + 1, argv + argc});
  if (!arguments) {
    std::cerr << "usage: harmony-conformance --target TARGET [--ca FILE] VECTORS_DIRECTORY\n";
    return 2;
  }
  try {
    return Run(*arguments) ? 0 : 1;
  } catch (const std::exception& exception) {
    std::cerr << exception.what() << "\n";
    return 1;
  }
}
