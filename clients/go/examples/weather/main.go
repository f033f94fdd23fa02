// Command weather prompts a model that has a tool and shows what it samples: weather [TARGET].
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
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
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	stops := must(client.GetEncoding(ctx, &pb.GetEncodingRequest{})).StopTokensForAssistantActions
	prompt := must(client.RenderConversationForCompletion(ctx, conversation()))
	fmt.Printf("The prompt has %d tokens.\n", len(prompt.Tokens))
	for _, completion := range completions {
		sampled := must(client.Encode(ctx, encode(completion))).Tokens
		stream := must(client.Parse(ctx))
		exchange(stream, assistantTurn())
		for _, token := range sampled {
			exchange(stream, next(token))
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
	_ = stream.Send(request) // Where this fails, Recv says why.
	show(must(stream.Recv()))
}

func show(response *pb.ParseResponse) {
	for _, event := range response.Events {
		if started := event.GetStarted(); started != nil {
			fmt.Printf("[%s] ", strings.TrimSpace(started.GetChannel()+" "+started.GetRecipient()))
		}
		fmt.Print(event.GetDelta().GetText())
		if event.GetCompleted() != nil {
			fmt.Println()
		}
	}
}

// must returns what a call gave; where it failed, it says why and ends the program.
func must[T any](value T, err error) T {
	if failure := status.Convert(err); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s\n", failure.Code(), failure.Message())
		for _, detail := range failure.Details() {
			if info, ok := detail.(*errdetails.ErrorInfo); ok {
				fmt.Fprintln(os.Stderr, "reason:", info.Reason)
			}
		}
		os.Exit(1)
	}
	return value
}
