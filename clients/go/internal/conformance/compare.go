package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// shownBytes is the largest number of bytes that a difference shows of a value.
const shownBytes = 200

// absent stands for a value that one side does not have.
type absent struct{}

// compare describes the first difference between an outcome and the expected one; "": none.
func compare(expected vector, received *outcome) string {
	for _, response := range received.responses {
		for _, key := range expected.Ignore {
			remove(response, key)
		}
	}
	if d := difference("status", withoutTexts(expected.Error), withoutTexts(received.status)); d != "" {
		return d
	}
	removeEventTexts(expected.Responses)
	removeEventTexts(received.responses)
	return difference("responses", expected.Responses, received.responses)
}

// removeEventTexts removes the texts for people from the statuses in responses: the events of
// ParseBatch and the ends of StreamAnswerBatch.
func removeEventTexts(responses []any) {
	for _, response := range responses {
		for _, key := range []string{"events", "ended"} {
			for _, event := range list(response, key) {
				withoutTexts(object(event)["error"])
			}
		}
	}
}

// withoutTexts removes the texts for people, which may change, from a status and returns it.
func withoutTexts(status any) any {
	remove(status, "message")
	for _, detail := range list(status, "details") {
		remove(object(detail)["metadata"], "openai_error_json")
		for _, violation := range list(detail, "fieldViolations") {
			remove(violation, "description")
		}
	}
	return status
}

// difference describes the first difference between two JSON values at a path; "": none.
func difference(path string, expected, received any) string {
	switch a := expected.(type) {
	case map[string]any:
		if b, ok := received.(map[string]any); ok {
			return differenceOfObjects(path, a, b)
		}
	case []any:
		if b, ok := received.([]any); ok {
			return differenceOfLists(path, a, b)
		}
	default:
		if expected == received {
			return ""
		}
	}
	return fmt.Sprintf("%s: expected %s, received %s", path, shown(expected), shown(received))
}

func differenceOfObjects(path string, a, b map[string]any) string {
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		var left, right any = absent{}, absent{}
		if value, ok := a[key]; ok {
			left = value
		}
		if value, ok := b[key]; ok {
			right = value
		}
		if d := difference(path+"."+key, left, right); d != "" {
			return d
		}
	}
	return ""
}

func differenceOfLists(path string, a, b []any) string {
	for i := range max(len(a), len(b)) {
		var left, right any = absent{}, absent{}
		if i < len(a) {
			left = a[i]
		}
		if i < len(b) {
			right = b[i]
		}
		if d := difference(fmt.Sprintf("%s[%d]", path, i), left, right); d != "" {
			return d
		}
	}
	return ""
}

// object returns a value as an object; nil if it is not one.
func object(value any) map[string]any {
	fields, _ := value.(map[string]any)
	return fields
}

// list returns the list at a key; nil if there is none.
func list(value any, key string) []any {
	items, _ := object(value)[key].([]any)
	return items
}

func remove(value any, key string) {
	delete(object(value), key)
}

func shown(value any) string {
	if value == (absent{}) {
		return "nothing"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if len(text) > shownBytes {
		return string(text[:shownBytes]) + "..."
	}
	return string(text)
}
