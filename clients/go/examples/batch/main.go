// Command batch steps many sequences over one ParseBatch stream, as an inference engine does.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

const timeout = 10 * time.Second // For a call and for a step; the stream has no deadline.

func main() {
	target := flag.String("target", "127.0.0.1:50051", "`address` of the server")
	sequences := flag.Int("sequences", 256, "`number` of sequences to step together")
	steps := flag.Int("steps", 1000, "`number` of steps")
	completions := flag.String("completions", "", "JSON `file`: an array of texts to sample")
	asJSON := flag.Bool("json", false, "print one line of JSON")
	flag.Parse()
	conn, err := grpc.NewClient(*target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	client := pb.NewHarmonyServiceClient(conn)
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
func run(client pb.HarmonyServiceClient, engine *engine, steps int) (time.Duration, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	watchdog := time.AfterFunc(timeout, cancel) // Cancels the stream if a step takes longer.
	stream, err := client.ParseBatch(ctx)
	if err != nil {
		return 0, err
	}
	err = exchange(stream, engine, engine.opening())
	begin := time.Now()
	for i := 0; err == nil && i < steps; i++ {
		watchdog.Reset(timeout)
		err = exchange(stream, engine, engine.step())
	}
	elapsed := time.Since(begin)
	for _ = stream.CloseSend(); err == nil; {
		_, err = stream.Recv() // The events that the end completes, then io.EOF for OK.
	}
	if err == io.EOF {
		err = nil
	}
	return elapsed, err
}

// exchange sends a request and handles its response.
func exchange(stream pb.HarmonyService_ParseBatchClient, engine *engine, request *pb.ParseBatchRequest) error {
	_ = stream.Send(request) // If this fails, Recv returns the reason.
	response, err := stream.Recv()
	for _, event := range response.GetEvents() {
		if failure := event.GetError(); failure != nil {
			log.Printf("sequence %d: %s", event.SequenceId, failure.Message)
			engine.restart(event.SequenceId)
		}
	}
	return err
}
