#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace conformance {

// Describes the difference between the outcome of a call and the one that a vector expects; empty
// if there is none. Does not compare texts for people and the keys that the vector ignores.
std::string Difference(const nlohmann::json& vector, const nlohmann::json& received);

}  // namespace conformance
