package main

import (
	"context"
	"encoding/json"
	"os"

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
func newEngine(client pb.HarmonyServiceClient, sequences int, path string) (*engine, error) {
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
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	e := &engine{positions: make([]int, sequences)}
	for _, text := range texts {
		request := &pb.EncodeRequest{Text: text, AllowedSpecial: &pb.SpecialTokenSet{All: true}}
		response, err := client.Encode(ctx, request)
		if err != nil {
			return nil, err
		}
		e.completions = append(e.completions, response.Tokens)
	}
	return e, nil
}

// opening advances each sequence to a different position in its completion, so that all steps cost
// about the same.
func (e *engine) opening() *pb.ParseBatchRequest {
	request := new(pb.ParseBatchRequest)
	for id := range e.positions {
		for range id * len(e.completion(id)) / len(e.positions) {
			e.sample(uint32(id), request)
		}
	}
	return request
}

// step samples one token of each sequence.
func (e *engine) step() *pb.ParseBatchRequest {
	request := new(pb.ParseBatchRequest)
	for id := range e.positions {
		e.sample(uint32(id), request)
	}
	return request
}

// restart makes an ended sequence begin again in its next step.
func (e *engine) restart(id uint32) {
	e.positions[id] = 0
}

func (e *engine) sample(id uint32, request *pb.ParseBatchRequest) {
	completion := e.completion(int(id))
	if e.positions[id] == 0 {
		config := &pb.ParseConfig{Role: pb.Role_ROLE_ASSISTANT.Enum()}
		request.Open = append(request.Open, &pb.OpenSequence{SequenceId: id, Config: config})
	}
	request.SequenceIds = append(request.SequenceIds, id)
	request.Tokens = append(request.Tokens, completion[e.positions[id]])
	e.positions[id]++
	if e.positions[id] == len(completion) {
		request.Close = append(request.Close, id)
		e.restart(id)
	}
}

func (e *engine) completion(id int) []uint32 {
	return e.completions[id%len(e.completions)]
}
