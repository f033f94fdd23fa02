package conformance

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

const encodeVectors = `{"rpc": "Encode", "vectors": [
	{"name": "encode/good", "requests": [{"text": "abc"}], "responses": [{"tokens": [3]}]},
	{"name": "encode/wrong", "requests": [{"text": "abc"}], "responses": [{"tokens": [4]}]},
	{"name": "encode/refused", "requests": [{}], "responses": [], "error": {"code": 3, "details": [
		{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "EMPTY"}]}},
	{"name": "encode/unreadable", "requests": [{"texts": "abc"}], "responses": []}]}`

const parseVectors = `{"rpc": "Parse", "vectors": [
	{"name": "parse/good",
	 "requests": [{"config": {}}, {"tokens": {"tokens": [7]}}],
	 "responses": [{}, {"events": [{"delta": {"text": "7"}}]}, {"events": [{"completed": {}}]}]},
	{"name": "parse/error-behind-a-response",
	 "requests": [{"tokens": {"tokens": [0]}}, {"tokens": {"tokens": [7]}}],
	 "responses": [{"events": [{"delta": {"text": "0"}}]}],
	 "error": {"code": 3}}]}`

const unknownVectors = `{"rpc": "Unknown", "vectors": [{"name": "unknown", "requests": [{}]}]}`

// TestRun plays vectors that pass, and vectors that must fail, each for another reason.
func TestRun(t *testing.T) {
	directory := vectors(t, encodeVectors, parseVectors, unknownVectors)
	var report bytes.Buffer
	if err := Run(connect(t), directory, &report); err == nil {
		t.Error("failed vectors are not an error")
	}
	expected := `encode/wrong
    responses[0].tokens[0]: expected 4, received 3
encode/unreadable
    proto: (line 1:2): unknown field "texts"
unknown
    there is no such RPC
Encode: 2 passed, 2 failed
Parse: 2 passed, 0 failed
Unknown: 0 passed, 1 failed
total: 4 passed, 3 failed
`
	// protojson varies the spaces in its errors.
	if got := bytes.ReplaceAll(report.Bytes(), []byte("\u00a0"), []byte(" ")); string(got) != expected {
		t.Errorf("the report is\n%s", got)
	}
}

func TestRunPasses(t *testing.T) {
	if err := Run(connect(t), vectors(t, parseVectors), io.Discard); err != nil {
		t.Error(err)
	}
}

func TestRunWithoutVectors(t *testing.T) {
	if err := Run(connect(t), t.TempDir(), io.Discard); err == nil {
		t.Error("a directory without vectors is not an error")
	}
}

// vectors writes files, named in this order, and returns their directory.
func vectors(t *testing.T, contents ...string) string {
	t.Helper()
	directory := t.TempDir()
	for i, content := range contents {
		path := filepath.Join(directory, string(rune('a'+i))+".json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// connect returns a connection to a fake server in this process.
func connect(t *testing.T) grpc.ClientConnInterface {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	harmonyv1.RegisterHarmonyServiceServer(server, fakeServer{})
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///fake",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return listener.DialContext(ctx)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

type fakeServer struct {
	harmonyv1.UnimplementedHarmonyServiceServer
}

// Encode returns the length of the text; an empty text is an error.
func (fakeServer) Encode(_ context.Context, request *harmonyv1.EncodeRequest) (*harmonyv1.EncodeResponse, error) {
	if request.Text != "" {
		return &harmonyv1.EncodeResponse{Tokens: []uint32{uint32(len(request.Text))}}, nil
	}
	refusal, err := status.New(codes.InvalidArgument, "empty").WithDetails(&errdetails.ErrorInfo{Reason: "EMPTY"})
	if err != nil {
		return nil, err
	}
	return nil, refusal.Err()
}

// Parse returns each token as a digit; after a request that begins with 0 it fails.
func (fakeServer) Parse(stream harmonyv1.HarmonyService_ParseServer) error {
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			completed := &harmonyv1.ParseEvent{Event: &harmonyv1.ParseEvent_Completed{Completed: &harmonyv1.MessageCompleted{}}}
			return stream.Send(&harmonyv1.ParseResponse{Events: []*harmonyv1.ParseEvent{completed}})
		}
		if err != nil {
			return err
		}
		response := new(harmonyv1.ParseResponse)
		tokens := request.GetTokens().GetTokens()
		for _, token := range tokens {
			delta := &harmonyv1.ContentDelta{Text: string(rune('0' + token))}
			response.Events = append(response.Events, &harmonyv1.ParseEvent{Event: &harmonyv1.ParseEvent_Delta{Delta: delta}})
		}
		if err := stream.Send(response); err != nil {
			return err
		}
		if len(tokens) > 0 && tokens[0] == 0 {
			return status.Error(codes.InvalidArgument, "a zero")
		}
	}
}
