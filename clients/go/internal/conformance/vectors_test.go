package conformance

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
	"github.com/harmony-sidecar/harmony-sidecar/clients/go/internal/sidecar"
)

// How many vectors of an RPC break the protocol, which a session cannot do.
var inexpressible = map[string]int{"Parse": 7, "ParseBatch": 13}

// TestSessionsPlayVectors plays the vectors through package harmony: unary calls, and streams with one
// step for each request.
func TestSessionsPlayVectors(t *testing.T) {
	files, err := load("../../../../tests/conformance/vectors")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors: ", err)
	}
	client, err := harmony.Dial(sidecar.Running(t).Target)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	methods := harmonyv1.File_harmony_v1_service_proto.Services().ByName("HarmonyService").Methods()
	for _, file := range files {
		method := methods.ByName(protoreflect.Name(file.RPC))
		if method == nil {
			continue // Another service's, which has no sessions.
		}
		p, err := newPlayer(sessions{client}, method)
		if err != nil {
			t.Fatal(err)
		}
		skipped := 0
		for _, v := range file.Vectors {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			received, err := p.play(ctx, v.Requests)
			cancel()
			if v.Error != nil {
				// A session does not tell empty last responses from none.
				v.Responses, received.responses = withoutEmptyEnd(v.Responses), withoutEmptyEnd(received.responses)
			}
			if status, _ := received.status.(map[string]any); status["message"] == errInexpressible.Error() {
				skipped++
			} else if err != nil {
				t.Errorf("%s: %v", v.Name, err)
			} else if failure := compare(v, received); failure != "" {
				t.Errorf("%s: %s", v.Name, failure)
			}
		}
		if skipped != inexpressible[file.RPC] {
			t.Errorf("%s: %d vectors were skipped", file.RPC, skipped)
		}
		t.Logf("%s: %d vectors, %d skipped", file.RPC, len(file.Vectors), skipped)
	}
}

func withoutEmptyEnd(responses []any) []any {
	for len(responses) > 0 && len(responses[len(responses)-1].(map[string]any)) == 0 {
		responses = responses[:len(responses)-1]
	}
	return responses
}
