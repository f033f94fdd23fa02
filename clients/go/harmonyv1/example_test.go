package harmonyv1_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

func Example() {
	conn, err := grpc.NewClient("127.0.0.1:50051", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	client := pb.NewHarmonyServiceClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

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
