package main

import (
	"context"
	"encoding/json"
	"log"
	"os"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

const cannedCompletion = `<|channel|>analysis<|message|>They greet me; I greet them.<|end|>` +
	`<|start|>assistant<|channel|>final<|message|>Hello! How can I help you today?<|return|>`

// engine takes the place of an inference engine: each of its sequences repeats a completion.
type engine struct {
	completions [][]uint32
	positions   []int
}

// newEngine encodes the texts of a JSON file, or a canned text if path is empty.
func newEngine(client *harmony.Client, sequences int, path string) (*engine, error) {
	texts := []string{cannedCompletion}
	if path != "" {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(content, &texts); err != nil {
			return nil, err
		}
	}
	e := &engine{positions: make([]int, sequences)}
	for _, text := range texts {
		request := &pb.EncodeRequest{Text: text, AllowedSpecial: &pb.SpecialTokenSet{All: true}}
		response, err := client.Encode(context.Background(), request)
		if err != nil {
			return nil, err
		}
		e.completions = append(e.completions, response.Tokens)
	}
	return e, nil
}

// opening advances each sequence to a different position in its completion, so that all steps cost
// about the same.
func (e *engine) opening(batch *harmony.Batch) (ids, tokens []uint32) {
	for id := range e.positions {
		for range id * len(e.completion(id)) / len(e.positions) {
			ids, tokens = append(ids, uint32(id)), append(tokens, e.sample(uint32(id), batch))
		}
	}
	return ids, tokens
}

// step samples one token of each sequence.
func (e *engine) step(batch *harmony.Batch) (ids, tokens []uint32) {
	for id := range e.positions {
		ids, tokens = append(ids, uint32(id)), append(tokens, e.sample(uint32(id), batch))
	}
	return ids, tokens
}

// restart makes an ended sequence begin again in its next step.
func (e *engine) restart(id uint32) {
	e.positions[id] = 0
}

func (e *engine) sample(id uint32, batch *harmony.Batch) uint32 {
	completion := e.completion(int(id))
	if e.positions[id] == 0 {
		must(batch.OpenAs(id, nil))
	}
	token := completion[e.positions[id]]
	e.positions[id]++
	if e.positions[id] == len(completion) {
		must(batch.Close(id))
		e.restart(id)
	}
	return token
}

// must ends the program if the engine opens or closes a sequence at a wrong time.
func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func (e *engine) completion(id int) []uint32 {
	return e.completions[id%len(e.completions)]
}
