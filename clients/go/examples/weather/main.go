// Command weather renders a prompt with a tool, then parses what a model might sample: weather [TARGET].
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

func main() {
	target := append(os.Args, "127.0.0.1:50051")[1]
	conn := must(grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials())))
	client := pb.NewHarmonyServiceClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // For all calls together.
	defer cancel()
	stops := must(client.GetEncoding(ctx, &pb.GetEncodingRequest{})).StopTokensForAssistantActions
	prompt := must(client.RenderConversationForCompletion(ctx, cannedPrompt()))
	fmt.Printf("The prompt has %d tokens.\n", len(prompt.Tokens))
	for _, encode := range cannedCompletions {
		sampled := must(client.Encode(ctx, encode)).Tokens // In place of the engine.
		stream := must(client.Parse(ctx))
		config := &pb.ParseRequest_Config{Config: &pb.ParseConfig{Role: pb.Role_ROLE_ASSISTANT.Enum()}}
		exchange(stream, &pb.ParseRequest{Request: config})
		for _, token := range sampled {
			step := &pb.ParseRequest_Tokens{Tokens: &pb.TokenIds{Tokens: []uint32{token}}}
			exchange(stream, &pb.ParseRequest{Request: step})
			if slices.Contains(stops, token) {
				break
			}
		}
		must(0, stream.CloseSend())
		show(must(stream.Recv()))
		if _, err := stream.Recv(); err != io.EOF { // The end of the stream: OK, or an error.
			must(0, err)
		}
	}
}

// exchange sends a request and shows its response.
func exchange(stream pb.HarmonyService_ParseClient, request *pb.ParseRequest) {
	_ = stream.Send(request) // If this fails, Recv returns the reason.
	show(must(stream.Recv()))
}

func show(response *pb.ParseResponse) {
	for _, event := range response.Events {
		if started := event.GetStarted(); started != nil {
			fmt.Printf("[%s] %s ", started.GetChannel(), started.GetRecipient())
		}
		fmt.Print(event.GetDelta().GetText())
		if event.GetCompleted() != nil {
			fmt.Println()
		}
	}
}

// must returns the result of a call; if the call failed, must prints the reason and exits.
func must[T any](value T, err error) T {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			log.Print("reason: ", info.Reason)
		}
	}
	if err != nil {
		log.Fatal(err)
	}
	return value
}
