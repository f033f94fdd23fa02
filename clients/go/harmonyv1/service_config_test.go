package harmonyv1_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"healthCheckConfig": {"serviceName": "harmony.v1.HarmonyService"},
	"methodConfig": [{
		"name": [{"service": "harmony.v1.HarmonyService"}],
		"retryPolicy": {
			"maxAttempts": 3,
			"initialBackoff": "0.1s",
			"maxBackoff": "1s",
			"backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}, {
		"name": [
			{"service": "harmony.v1.HarmonyService", "method": "Parse"},
			{"service": "harmony.v1.HarmonyService", "method": "ParseBatch"}
		]
	}]
}`

// TestServiceConfigBalances makes calls until each of two servers has received one.
func TestServiceConfigBalances(t *testing.T) {
	servers := []*flakyServer{{}, {}}
	client := connect(t, servers...)
	// The second connection may not be ready for the first calls.
	for deadline := time.Now().Add(10 * time.Second); servers[0].calls.Load() == 0 || servers[1].calls.Load() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("one of two servers receives all calls")
		}
		if _, err := client.Encode(t.Context(), &pb.EncodeRequest{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServiceConfigRetriesUnary makes a call whose first two attempts fail.
func TestServiceConfigRetriesUnary(t *testing.T) {
	server := &flakyServer{failures: 2}
	if _, err := connect(t, server).Encode(t.Context(), &pb.EncodeRequest{}); err != nil {
		t.Error(err)
	}
	if calls := server.calls.Load(); calls != 3 {
		t.Errorf("%d attempts, not 3", calls)
	}
}

// TestServiceConfigLeavesStreams opens a stream that the server refuses; it is not retried.
func TestServiceConfigLeavesStreams(t *testing.T) {
	server := &flakyServer{failures: 2}
	stream, err := connect(t, server).Parse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the stream ends with %v", err)
	}
	if calls := server.calls.Load(); calls != 1 {
		t.Errorf("%d attempts, not 1", calls)
	}
}

// connect returns a client, with the service config, of servers that share one name.
func connect(t *testing.T, servers ...*flakyServer) pb.HarmonyServiceClient {
	t.Helper()
	var addresses []resolver.Address
	for _, server := range servers {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := grpc.NewServer()
		pb.RegisterHarmonyServiceServer(s, server)
		go s.Serve(listener)
		t.Cleanup(s.Stop)
		addresses = append(addresses, resolver.Address{Addr: listener.Addr().String()})
	}
	names := manual.NewBuilderWithScheme("test")
	names.InitialState(resolver.State{Addresses: addresses})
	conn, err := grpc.NewClient("test:///harmony",
		grpc.WithResolvers(names),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(serviceConfig))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return pb.NewHarmonyServiceClient(conn)
}

// flakyServer counts its calls; the first `failures` of them fail.
type flakyServer struct {
	pb.UnimplementedHarmonyServiceServer
	failures int64
	calls    atomic.Int64
}

func (s *flakyServer) Encode(context.Context, *pb.EncodeRequest) (*pb.EncodeResponse, error) {
	return &pb.EncodeResponse{}, s.answer()
}

func (s *flakyServer) Parse(pb.HarmonyService_ParseServer) error {
	return s.answer()
}

func (s *flakyServer) answer() error {
	if s.calls.Add(1) <= s.failures {
		return status.Error(codes.Unavailable, "not now")
	}
	return nil
}
