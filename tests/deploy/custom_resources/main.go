// Reads a JSON list of custom resources from standard input with the Prometheus operator's own types,
// and fails on an unknown field.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	var resources []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&resources); err != nil {
		fail(err)
	}
	for _, resource := range resources {
		if err := check(resource); err != nil {
			fail(err)
		}
	}
}

func check(resource []byte) error {
	var named struct{ Kind string }
	if err := json.Unmarshal(resource, &named); err != nil {
		return err
	}
	switch named.Kind {
	case monitoring.ServiceMonitorsKind:
		return yaml.UnmarshalStrict(resource, &monitoring.ServiceMonitor{})
	case monitoring.PrometheusRuleKind:
		return yaml.UnmarshalStrict(resource, &monitoring.PrometheusRule{})
	default:
		return fmt.Errorf("no type for kind %q", named.Kind)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
