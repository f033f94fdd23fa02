#include "compare.h"

#include <algorithm>

namespace conformance {
namespace {

using nlohmann::json;

// The characters shown of a value that differs, and how many of them precede the difference.
constexpr size_t kShown = 300;
constexpr size_t kShownBefore = 60;

// Calls `change` with each element of the array at a key, if there is one.
template <typename Change>
void ForEach(json& object, const char* key, const Change& change) {
  if (object.contains(key)) {
    for (json& element : object[key]) {
      change(element);
    }
  }
}

void RemoveHumanTexts(json& status) {
  status.erase("message");
  ForEach(status, "details", [](json& detail) {
    if (detail.contains("metadata")) {
      detail["metadata"].erase("openai_error_json");
    }
    ForEach(detail, "fieldViolations", [](json& violation) { violation.erase("description"); });
  });
}

// Returns an outcome without the parts that are not compared.
json Comparable(json outcome, const json& ignored_keys) {
  if (outcome.contains("error")) {
    RemoveHumanTexts(outcome["error"]);
  }
  ForEach(outcome, "responses", [&ignored_keys](json& response) {
    for (const json& key : ignored_keys) {
      response.erase(key.get<std::string>());
    }
    // Events of ParseBatch and ends of StreamAnswerBatch can have an error.
    for (const char* key : {"events", "ended"}) {
      ForEach(response, key, [](json& event) {
        if (event.contains("error")) {
          RemoveHumanTexts(event["error"]);
        }
      });
    }
  });
  return outcome;
}

std::string ShownFrom(const std::string& text, size_t begin) {
  const std::string head = begin > 0 ? "..." : "";
  const std::string tail = text.size() > begin + kShown ? "..." : "";
  return head + text.substr(begin, kShown) + tail;
}

}  // namespace

std::string Difference(const json& vector, const json& received) {
  json expected = {{"responses", vector.at("responses")}};
  if (vector.contains("error")) {
    expected["error"] = vector["error"];
  }
  const json ignored_keys = vector.value("ignore", json::array());
  const json left = Comparable(expected, ignored_keys);
  const json right = Comparable(received, ignored_keys);
  if (left == right) {
    return "";
  }
  // Escaped, so that a cut never splits a character.
  const std::string left_text = left.dump(-1, ' ', true);
  const std::string right_text = right.dump(-1, ' ', true);
  const auto [differs, unused] =
      std::mismatch(left_text.begin(), left_text.end(), right_text.begin(), right_text.end());
  const size_t same = differs - left_text.begin();
  const size_t begin = same - std::min(same, kShownBefore);
  std::string shown = "  expected: " + ShownFrom(left_text, begin) +
                      "\n  received: " + ShownFrom(right_text, begin);
  if (received.contains("error")) {
    shown += "\n  message: " + received["error"].value("message", "");
  }
  return shown;
}

}  // namespace conformance
