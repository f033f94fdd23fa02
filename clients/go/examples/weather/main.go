// Command weather renders a prompt with a tool, then parses what a model might sample: weather [TARGET].
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

func main() {
	client := must(harmony.Dial(append(os.Args, "127.0.0.1:50051")[1]))
	ctx := context.Background() // Every call and every step has a time limit of its own.
	stops := must(client.GetEncoding(ctx, &pb.GetEncodingRequest{})).StopTokensForAssistantActions
	prompt := must(client.RenderConversationForCompletion(ctx, cannedPrompt()))
	fmt.Printf("The prompt has %d tokens.\n", len(prompt.Tokens))
	for _, encode := range cannedCompletions {
		sampled := must(client.Encode(ctx, encode)).Tokens // In place of the engine.
		stream := client.OpenParse(nil)
		for _, token := range sampled {
			show(must(stream.Feed(ctx, token)))
			if slices.Contains(stops, token) {
				break
			}
		}
		show(must(stream.Finish(ctx)))
	}
}

func show(events []harmony.Event) {
	for _, event := range events {
		switch event := event.(type) {
		case harmony.MessageStarted:
			fmt.Printf("[%s] %s ", event.GetChannel(), event.GetRecipient())
		case harmony.ContentDelta:
			fmt.Print(event.Text)
		case harmony.MessageCompleted:
			fmt.Println()
		}
	}
}

// must returns the result of a call; if the call failed, must prints the reason and exits.
func must[T any](value T, err error) T {
	var failure *harmony.Error
	if errors.As(err, &failure) {
		log.Print("reason: ", failure.Reason)
	}
	if err != nil {
		log.Fatal(err)
	}
	return value
}
