package harmonyv1_test

import (
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
)

// TestDetailsOfErrors reads details of errors with no import but the client.
func TestDetailsOfErrors(t *testing.T) {
	for _, name := range []string{"ErrorInfo", "BadRequest"} {
		detail := &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc." + name}
		failure := status.FromProto(&spb.Status{Code: 3, Details: []*anypb.Any{detail}})
		if err, failed := failure.Details()[0].(error); failed {
			t.Errorf("%s: %v", name, err)
		}
	}
}
