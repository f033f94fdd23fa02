// Command batch steps many sequences over one ParseBatch stream, as an inference engine does.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
)

func main() {
	target := flag.String("target", "127.0.0.1:50051", "`address` of the server")
	sequences := flag.Int("sequences", 256, "`number` of sequences to step together")
	steps := flag.Int("steps", 1000, "`number` of steps")
	completions := flag.String("completions", "", "JSON `file`: an array of texts to sample")
	asJSON := flag.Bool("json", false, "print one line of JSON")
	flag.Parse()
	client, err := harmony.Dial(*target)
	if err != nil {
		log.Fatal(err)
	}
	engine, err := newEngine(client, *sequences, *completions)
	if err != nil {
		log.Fatal(err)
	}
	elapsed, err := run(client, engine, *steps)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(describe(*sequences, *steps, elapsed, *asJSON))
}

// run takes the steps and returns how long they took.
func run(client *harmony.Client, engine *engine, steps int) (time.Duration, error) {
	ctx, batch := context.Background(), client.OpenBatch()
	defer batch.Cancel()
	err := exchange(ctx, batch, engine, engine.opening)
	begin := time.Now()
	for i := 0; err == nil && i < steps; i++ {
		err = exchange(ctx, batch, engine, engine.step)
	}
	elapsed := time.Since(begin)
	if err == nil {
		_, err = batch.Finish(ctx) // The events that the end completes.
	}
	return elapsed, err
}

// exchange makes a step and handles what it completes.
func exchange(ctx context.Context, batch *harmony.Batch, engine *engine, sample func(*harmony.Batch) (ids, tokens []uint32)) error {
	ids, tokens := sample(batch)
	step, err := batch.StepColumns(ctx, ids, tokens)
	if err != nil {
		return err
	}
	for _, event := range step.Events {
		if failure, failed := event.Event.(harmony.SequenceFailed); failed {
			log.Printf("sequence %d: %s", event.SequenceID, failure.Message)
			engine.restart(event.SequenceID)
		}
	}
	return nil
}
