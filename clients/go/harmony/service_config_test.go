package harmony_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

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

// TestServiceConfigRetriesUnary makes a call whose first three attempts fail.
func TestServiceConfigRetriesUnary(t *testing.T) {
	server := &flakyServer{failures: 3}
	if _, err := connect(t, server).Encode(t.Context(), &pb.EncodeRequest{}); err != nil {
		t.Error(err)
	}
	if calls := server.calls.Load(); calls != 4 {
		t.Errorf("%d attempts, not 4", calls)
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

// TestServiceConfigLeavesDraining makes calls while one of two servers reports NOT_SERVING.
func TestServiceConfigLeavesDraining(t *testing.T) {
	servers := []*flakyServer{{}, {}}
	client := connect(t, servers...)
	servers[0].health.SetServingStatus("harmony.v1.HarmonyService", healthpb.HealthCheckResponse_NOT_SERVING)
	// The client learns it soon: from then on, the other server gets every call.
	for deadline, before := time.Now().Add(10*time.Second), int64(0); ; before = servers[0].calls.Load() {
		for range 20 {
			if _, err := client.Encode(t.Context(), &pb.EncodeRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		if servers[0].calls.Load() == before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a draining server receives calls")
		}
	}
}

// connect returns a client of servers that share one name.
func connect(t *testing.T, servers ...*flakyServer) *harmony.Client {
	t.Helper()
	var addresses []resolver.Address
	for _, server := range servers {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := grpc.NewServer()
		pb.RegisterHarmonyServiceServer(s, server)
		server.health = health.NewServer()
		server.health.SetServingStatus("harmony.v1.HarmonyService", healthpb.HealthCheckResponse_SERVING)
		healthpb.RegisterHealthServer(s, server.health)
		go s.Serve(listener)
		t.Cleanup(s.Stop)
		addresses = append(addresses, resolver.Address{Addr: listener.Addr().String()})
	}
	names := manual.NewBuilderWithScheme("test")
	names.InitialState(resolver.State{Addresses: addresses})
	return dial(t, "test:///harmony", harmony.WithDialOptions(grpc.WithResolvers(names)))
}

// flakyServer counts its calls; the first `failures` of them fail.
type flakyServer struct {
	pb.UnimplementedHarmonyServiceServer
	health   *health.Server
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
