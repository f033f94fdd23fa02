package harmony_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// Tokens of the header `<|channel|>final<|message|>`, of words, and of `<|end|>` and `<|return|>`.
var header = []uint32{200005, 17196, 200008}

const (
	end  = 200007
	stop = 200002
)

// TestMain runs every test with a proxy in the environment that does not exist: Go reads it once.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY"} {
		os.Setenv(name, "http://192.0.2.1:1")
	}
	os.Unsetenv("NO_PROXY")
	os.Exit(m.Run())
}

func dial(t testing.TB, target string, options ...harmony.Option) *harmony.Client {
	t.Helper()
	client, err := harmony.Dial(target, append([]harmony.Option{harmony.WithTimeout(time.Minute)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func encode(ctx context.Context, client *harmony.Client, text string) []uint32 {
	request := &pb.EncodeRequest{Text: text, AllowedSpecial: &pb.SpecialTokenSet{All: true}}
	return must(client.Encode(ctx, request)).Tokens
}

// describe returns an event as text that compares.
func describe(event harmony.Event) string {
	switch event := event.(type) {
	case harmony.ContentDelta:
		return fmt.Sprintf("delta %q %d-%d", event.Text, event.Begin, event.End)
	case harmony.SequenceFailed:
		return "failed " + event.Error.Error()
	case harmony.MessageStarted:
		return "started " + text(event.MessageStarted)
	case harmony.MessageCompleted:
		return "completed " + text(event.MessageCompleted)
	case harmony.Recovered:
		return "recovered " + text(event.Recovered)
	}
	panic("an unknown event")
}

func text(message proto.Message) string {
	// prototext varies its spaces, but not within a process.
	return prototext.MarshalOptions{}.Format(message)
}

func describeAll(events []harmony.Event) (described []string) {
	for _, event := range events {
		described = append(described, describe(event))
	}
	return described
}

// describeStep returns the events of a step, each with its sequence.
func describeStep(step *harmony.Step) (described []string) {
	for id, event := range step.All() {
		described = append(described, fmt.Sprint(id, " ", describe(event)))
	}
	return described
}

func expectEqual(t testing.TB, got, expected []string) {
	t.Helper()
	if !slices.Equal(got, expected) {
		t.Errorf("the events are\n%q, not\n%q", got, expected)
	}
}

// content returns the text of a message.
func content(message *pb.Message) string {
	return message.GetContent()[0].GetText().GetText()
}
