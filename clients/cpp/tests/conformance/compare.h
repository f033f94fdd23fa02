#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace conformance {

// Returns what differs between an outcome of a call and the one that a vector expects; empty where
// nothing does. The texts made for people and the keys that the vector ignores do not count.
std::string Difference(const nlohmann::json& vector, const nlohmann::json& received);

}  // namespace conformance
