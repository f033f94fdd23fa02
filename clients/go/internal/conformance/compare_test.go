package conformance

import (
	"encoding/json"
	"testing"
)

func TestCompare(t *testing.T) {
	tests := []struct {
		name               string
		vector             string
		responses, status  string
		expectedDifference string
	}{
		{
			name:      "equal",
			vector:    `{"responses": [{"a": 1, "b": [true, null]}]}`,
			responses: `[{"b": [true, null], "a": 1}]`,
		},
		{
			name:               "a nested value",
			vector:             `{"responses": [{"a": [{"b": "x"}]}]}`,
			responses:          `[{"a": [{"b": "y"}]}]`,
			expectedDifference: `responses[0].a[0].b: expected "x", received "y"`,
		},
		{
			name:               "a missing key",
			vector:             `{"responses": [{"a": 1}]}`,
			responses:          `[{}]`,
			expectedDifference: `responses[0].a: expected 1, received nothing`,
		},
		{
			name:               "an extra key",
			vector:             `{"responses": [{}]}`,
			responses:          `[{"a": null}]`,
			expectedDifference: `responses[0].a: expected nothing, received null`,
		},
		{
			name:               "an extra response",
			vector:             `{"responses": []}`,
			responses:          `[{}]`,
			expectedDifference: `responses[0]: expected nothing, received {}`,
		},
		{
			name:               "another type",
			vector:             `{"responses": [{"a": [1]}]}`,
			responses:          `[{"a": {"0": 1}}]`,
			expectedDifference: `responses[0].a: expected [1], received {"0":1}`,
		},
		{
			name:      "ignored keys",
			vector:    `{"responses": [{}], "ignore": ["version"]}`,
			responses: `[{"version": "1"}]`,
		},
		{
			name: "texts for people in a status",
			vector: `{"error": {"code": 3, "message": "a", "details": [
				{"fieldViolations": [{"field": "f", "description": "a"}]}]}}`,
			status: `{"code": 3, "message": "b", "details": [
				{"fieldViolations": [{"field": "f", "description": "b"}]}]}`,
		},
		{
			name:      "texts for people in an event's status",
			vector:    `{"responses": [{"events": [{"error": {"code": 3, "message": "a"}}]}]}`,
			responses: `[{"events": [{"error": {"code": 3, "message": "b"}}]}]`,
		},
		{
			name:               "a message outside a status",
			vector:             `{"responses": [{"events": [{"completed": {"message": "a"}}]}]}`,
			responses:          `[{"events": [{"completed": {"message": "b"}}]}]`,
			expectedDifference: `responses[0].events[0].completed.message: expected "a", received "b"`,
		},
		{
			name:               "another code",
			vector:             `{"error": {"code": 3}}`,
			status:             `{"code": 4}`,
			expectedDifference: `status.code: expected 3, received 4`,
		},
		{
			name:               "a missing error",
			vector:             `{"error": {"code": 3}}`,
			expectedDifference: `status: expected {"code":3}, received null`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var v vector
			parse(t, test.vector, &v)
			received := new(outcome)
			parse(t, test.responses, &received.responses)
			parse(t, test.status, &received.status)
			if d := compare(v, received); d != test.expectedDifference {
				t.Errorf("difference %q, not %q", d, test.expectedDifference)
			}
		})
	}
}

func parse(t *testing.T, text string, into any) {
	t.Helper()
	if text == "" {
		return
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}
