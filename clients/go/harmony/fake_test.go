package harmony_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// fakeServer answers as its functions say, or not at all. calls counts the streams.
type fakeServer struct {
	pb.UnimplementedHarmonyServiceServer
	calls   atomic.Int64
	batch   func(*fakeServer, pb.HarmonyService_ParseBatchServer) error
	encoded []uint32
}

// start starts the server and returns its address.
func (s *fakeServer) start(t testing.TB) string {
	t.Helper()
	return s.listen(t, "127.0.0.1:0")
}

func (s *fakeServer) listen(t testing.TB, address string, options ...grpc.ServerOption) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	pb.RegisterHarmonyServiceServer(server, s)
	serving := health.NewServer()
	serving.SetServingStatus("harmony.v1.HarmonyService", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(server, serving)
	go server.Serve(listener)
	go func() {
		<-t.Context().Done()
		server.Stop()
	}()
	return listener.Addr().String()
}

func (s *fakeServer) Encode(context.Context, *pb.EncodeRequest) (*pb.EncodeResponse, error) {
	return &pb.EncodeResponse{Tokens: s.encoded}, nil
}

func (s *fakeServer) Parse(stream pb.HarmonyService_ParseServer) error {
	s.calls.Add(1)
	<-stream.Context().Done()
	return nil
}

func (s *fakeServer) ParseBatch(stream pb.HarmonyService_ParseBatchServer) error {
	s.calls.Add(1)
	if s.batch == nil {
		<-stream.Context().Done()
		return nil
	}
	return s.batch(s, stream)
}

// exceeds returns the error of a limit.
func exceeds(limit string) *status.Status {
	s, err := status.New(codes.ResourceExhausted, "too much").WithDetails(&errdetails.ErrorInfo{
		Reason: "LIMIT_EXCEEDED", Metadata: map[string]string{"limit": limit, "maximum": "1"},
	})
	if err != nil {
		panic(err)
	}
	return s
}
