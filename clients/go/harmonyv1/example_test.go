package harmonyv1_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

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

// For a name with several addresses: each call goes to the next server, and a unary call is retried
// if its server is unavailable.
func ExampleNewHarmonyServiceClient_loadBalancing() {
	conn, err := grpc.NewClient("dns:///harmony.example.com:50051",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(serviceConfig))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
}

// Pings detect a dead connection, for example one that a firewall has dropped.
func ExampleNewHarmonyServiceClient_keepalive() {
	pings := grpc.WithKeepaliveParams(keepalive.ClientParameters{
		Time:                30 * time.Second, // The server allows a ping every 10 s.
		Timeout:             10 * time.Second,
		PermitWithoutStream: true,
	})
	conn, err := grpc.NewClient("harmony.example.com:50051",
		grpc.WithTransportCredentials(insecure.NewCredentials()), pings)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
}

// If the system already trusts the CA, use credentials.NewTLS(nil) instead of the file.
func ExampleNewHarmonyServiceClient_tls() {
	transport, err := credentials.NewClientTLSFromFile("ca.pem", "")
	if err != nil {
		log.Fatal(err)
	}
	conn, err := grpc.NewClient("harmony.example.com:50051",
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(bearer("the token")))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
}

func ExampleNewHarmonyServiceClient_unixSocket() {
	conn, err := grpc.NewClient("unix:///run/harmony/harmony.sock",
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
}
