// Command chaos steps the sequences of a plan through one batch, whatever happens to the server
// meanwhile, and writes every event. scripts/chaos_clients.py runs it and disturbs the server.
//
//	chaos TARGET PLAN EVENTS
//
// PLAN is a JSON file: a list of objects with `begin`, the step with which a sequence gets its first
// token; `config`, a ParseConfig; and `tokens`, one for each step. A sequence is closed with its last
// token. After each step, chaos writes a line to its standard output, and waits for a line on its
// standard input. EVENTS gets a line of JSON for each event: `sequence`, its place in the plan, and
// `event`, a ParseEvent or, for a failed sequence, `{"error": Status}`.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

type sequence struct {
	Begin  int             `json:"begin"`
	Config json.RawMessage `json:"config"`
	Tokens []uint32        `json:"tokens"`
	failed bool
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: chaos TARGET PLAN EVENTS")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func run(target, planPath, eventsPath string) error {
	content, err := os.ReadFile(planPath)
	if err != nil {
		return err
	}
	var plan []*sequence
	if err := json.Unmarshal(content, &plan); err != nil {
		return err
	}
	events, err := os.Create(eventsPath)
	if err != nil {
		return err
	}
	defer events.Close()
	client, err := harmony.Dial(target, harmony.WithTimeout(2*time.Minute))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, batch, answers := context.Background(), client.OpenBatch(), bufio.NewReader(os.Stdin)
	defer batch.Cancel()
	most := 0
	for number, running := 0, true; running; number++ {
		var ids, tokens []uint32
		running = false
		for i, s := range plan {
			id, place := uint32(i), number-s.Begin
			if s.failed || place >= len(s.Tokens) {
				continue
			}
			running = true
			if place < 0 {
				continue
			}
			if place == 0 {
				if err := batch.OpenAs(id, config(s.Config)); err != nil {
					return err
				}
			}
			if place == len(s.Tokens)-1 {
				if err := batch.Close(id); err != nil {
					return err
				}
			}
			ids, tokens = append(ids, id), append(tokens, s.Tokens[place])
		}
		step, err := batch.StepColumns(ctx, ids, tokens)
		if err != nil {
			return fmt.Errorf("step %d: %w", number, err)
		}
		most = max(most, batch.ReplayBytes())
		for id, event := range step.All() {
			if _, failed := event.(harmony.SequenceFailed); failed {
				plan[id].failed = true
			}
			if err := write(events, id, event); err != nil {
				return err
			}
		}
		fmt.Printf("step %d\n", number)
		if _, err := answers.ReadString('\n'); err != nil {
			return err
		}
	}
	fmt.Printf("kept at most %d bytes\n", most)
	_, err = batch.Finish(ctx)
	return err
}

func config(text json.RawMessage) *pb.ParseConfig {
	config := new(pb.ParseConfig)
	if err := protojson.Unmarshal(text, config); err != nil {
		log.Fatal(err)
	}
	return config
}

func write(file *os.File, id uint32, event harmony.Event) error {
	var field string
	var message proto.Message
	switch event := event.(type) {
	case harmony.MessageStarted:
		field, message = "started", event.MessageStarted
	case harmony.ContentDelta:
		delta := &pb.ContentDelta{Text: event.Text}
		if event.End != 0 {
			delta.Offsets = &pb.TokenRange{Begin: event.Begin, End: event.End}
		}
		field, message = "delta", delta
	case harmony.MessageCompleted:
		field, message = "completed", event.MessageCompleted
	case harmony.Recovered:
		field, message = "recovered", event.Recovered
	case harmony.SequenceFailed:
		field, message = "error", event.GRPCStatus().Proto()
	}
	text, err := protojson.Marshal(message)
	if err != nil {
		return err
	}
	line, err := json.Marshal(map[string]any{"sequence": id, "event": map[string]json.RawMessage{field: text}})
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return err
}
