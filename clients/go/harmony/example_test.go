package harmony_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

var (
	ctx     = context.Background()
	sampled []uint32
	steps   []map[uint32][]uint32
)

func Example() {
	client, err := harmony.Dial("127.0.0.1:50051")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	question := &pb.Content{Content: &pb.Content_Text{Text: &pb.TextContent{Text: "What is 2 + 2?"}}}
	prompt, err := client.RenderConversationForCompletion(ctx, &pb.RenderConversationForCompletionRequest{
		Conversation: &pb.Conversation{Messages: []*pb.Message{{
			Author:  &pb.Author{Role: pb.Role_ROLE_USER},
			Content: []*pb.Content{question},
		}}},
		NextTurnRole: pb.Role_ROLE_ASSISTANT,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(prompt.Tokens)
}

// If the system already trusts the CA, use an empty tls.Config.
func ExampleDial() {
	pem, err := os.ReadFile("ca.pem")
	if err != nil {
		log.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(pem)
	client, err := harmony.Dial("dns:///harmony.example.com:50051",
		harmony.WithTLS(&tls.Config{RootCAs: authorities}),
		harmony.WithBearerToken("the token"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
}

func ExampleError() {
	var client *harmony.Client
	_, err := client.Decode(ctx, &pb.DecodeRequest{Tokens: []uint32{300_000}})
	var failure *harmony.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Code, failure.Reason, failure.Field(), failure.Metadata["token"])
	}
}

func ExampleParseStream() {
	var client *harmony.Client
	stream := client.OpenParse(nil) // Strict mode, behind a prompt that ends with the role assistant.
	defer stream.Cancel()
	for _, token := range sampled {
		events, err := stream.Feed(ctx, token)
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range events {
			switch event := event.(type) {
			case harmony.MessageStarted:
				fmt.Printf("[%s] ", event.GetChannel())
			case harmony.ContentDelta:
				fmt.Print(event.Text)
			case harmony.MessageCompleted:
				fmt.Println()
			}
		}
	}
	events, err := stream.Finish(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(events)
}

func ExampleBatch() {
	var client *harmony.Client
	batch := client.OpenBatch()
	defer batch.Cancel()
	config := harmony.Assistant()
	config.Options = &pb.ParseOptions{Recover: true}
	first, second := batch.Open(config), batch.Open(nil)
	for _, tokens := range steps { // Tokens by sequence.
		step, err := batch.Step(ctx, tokens)
		if err != nil {
			log.Fatal(err)
		}
		for id, event := range step.All() {
			switch event := event.(type) {
			case harmony.ContentDelta:
				fmt.Print(id, event.Text)
			case harmony.MessageCompleted:
				fmt.Println(id, event.GetStopToken())
			case harmony.SequenceFailed:
				fmt.Println(id, event.Reason) // This sequence alone has ended.
			}
		}
	}
	if err := errors.Join(batch.Close(first), batch.Close(second)); err != nil {
		log.Fatal(err)
	}
	step, err := batch.Step(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(step.Events))
}
