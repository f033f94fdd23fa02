package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// figures reports how long the steps took.
type figures struct {
	Sequences            int     `json:"sequences"`
	Steps                int     `json:"steps"`
	Tokens               int     `json:"tokens"`
	Seconds              float64 `json:"seconds"`
	MicrosecondsPerStep  float64 `json:"microseconds_per_step"`
	MicrosecondsPerToken float64 `json:"microseconds_per_token"`
}

func describe(sequences, steps int, elapsed time.Duration, asJSON bool) string {
	tokens, microseconds := sequences*steps, elapsed.Seconds()*1e6
	if asJSON {
		line, _ := json.Marshal(figures{
			Sequences:            sequences,
			Steps:                steps,
			Tokens:               tokens,
			Seconds:              elapsed.Seconds(),
			MicrosecondsPerStep:  microseconds / float64(steps),
			MicrosecondsPerToken: microseconds / float64(tokens),
		})
		return string(line)
	}
	return fmt.Sprintf("%d sequences, %d steps: %.0f steps/s, %.0f tokens/s",
		sequences, steps, float64(steps)/elapsed.Seconds(), float64(tokens)/elapsed.Seconds())
}
