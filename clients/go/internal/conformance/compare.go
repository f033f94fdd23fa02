package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// shownBytes is how much of a value a difference shows.
const shownBytes = 200

// absent stands for what one side does not have.
type absent struct{}

// compare returns the first difference between what a call should give and what it gave; "": none.
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

// removeEventTexts removes the texts from the statuses that ParseBatch sends as events.
func removeEventTexts(responses []any) {
	for _, response := range responses {
		for _, event := range list(response, "events") {
			withoutTexts(object(event)["error"])
		}
	}
}

// withoutTexts removes from a status what is made for people and may change.
func withoutTexts(status any) any {
	remove(status, "message")
	for _, detail := range list(status, "details") {
		for _, violation := range list(detail, "fieldViolations") {
			remove(violation, "description")
		}
	}
	return status
}

// difference returns the first difference of two JSON values at a path.
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

// object returns a value as an object, nil if it is something else.
func object(value any) map[string]any {
	fields, _ := value.(map[string]any)
	return fields
}

// list returns the list below a key, nil if there is none.
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
