package harmony_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
	"github.com/harmony-sidecar/harmony-sidecar/clients/go/internal/sidecar"
)

// TestParseStream reads the events of a completion, with the ranges of its deltas.
func TestParseStream(t *testing.T) {
	ctx, client := t.Context(), dial(t, sidecar.Running(t).Target)
	config := harmony.Assistant()
	config.Options = &pb.ParseOptions{DeltaOffsets: true}
	stream := client.OpenParse(config)
	defer stream.Cancel()
	var events []harmony.Event
	for _, token := range append(header[:3:3], encode(ctx, client, "2 + 2 = 4.")...) {
		events = append(events, must(stream.Feed(ctx, token))...)
	}
	events = append(events, must(stream.Feed(ctx, stop))...)
	events = append(events, must(stream.Finish(ctx))...)

	var shown strings.Builder
	last := uint64(len(header))
	for i, event := range events {
		switch event := event.(type) {
		case harmony.MessageStarted:
			if i != 0 || event.GetChannel() != "final" {
				t.Errorf("event %d is %v", i, event)
			}
		case harmony.ContentDelta:
			if event.Begin != last {
				t.Errorf("a delta begins at %d, not %d", event.Begin, last)
			}
			last = event.End
			shown.WriteString(event.Text)
		case harmony.MessageCompleted:
			if i != len(events)-1 || content(event.Message) != "2 + 2 = 4." || event.GetStopToken() != stop {
				t.Errorf("event %d is %v", i, event)
			}
		default:
			t.Errorf("event %d is a %T", i, event)
		}
	}
	if shown.String() != "2 + 2 = 4." {
		t.Errorf("the deltas are %q", shown.String())
	}
	if _, err := stream.Feed(ctx, 1); err != harmony.ErrEnded {
		t.Errorf("after Finish, Feed ends with %v", err)
	}
}

// TestMalformedOutput gets the events before an error first, and the error with the next step.
func TestMalformedOutput(t *testing.T) {
	ctx, client := t.Context(), dial(t, sidecar.Running(t).Target)
	stream := client.OpenParse(nil)
	events := must(stream.Feed(ctx, append(header[:3:3], 1000, end, 1000)...))
	if _, completed := events[len(events)-1].(harmony.MessageCompleted); !completed {
		t.Errorf("the events are %v", events)
	}
	_, err := stream.Finish(ctx)
	var failure *harmony.Error
	if !errors.As(err, &failure) || failure.ParseFailure() == nil || failure.ParseFailure().Offset != 5 {
		t.Errorf("Finish ends with %v", err)
	}
	recovering := harmony.Assistant()
	recovering.Options = &pb.ParseOptions{Recover: true}
	stream = client.OpenParse(recovering)
	events = append(must(stream.Feed(ctx, append(header[:3:3], 1000, end, 1000)...)), must(stream.Finish(ctx))...)
	repair, recovered := events[len(events)-1].(harmony.Recovered)
	if !recovered || repair.Reason != pb.RecoveryReason_RECOVERY_REASON_TEXT_OUTSIDE_MESSAGE {
		t.Errorf("the events are %v", events)
	}
}

// TestBatch opens, feeds, fails and closes sequences.
func TestBatch(t *testing.T) {
	ctx, client := t.Context(), dial(t, sidecar.Running(t).Target)
	word := encode(ctx, client, " word")[0]
	batch := client.OpenBatch()
	defer batch.Cancel()
	prefilled := harmony.Assistant()
	prefilled.Prefill = header
	prefilled.Options = &pb.ParseOptions{DeltaOffsets: true}
	first, second := batch.Open(nil), batch.Open(prefilled)
	if first == second {
		t.Error("two sequences have one id")
	}
	if err := batch.OpenAs(first, nil); err == nil {
		t.Error("an id can be opened twice")
	}
	step := must(batch.Step(ctx, map[uint32][]uint32{first: append(header[:3:3], word), second: {word}}))
	if !slices.Equal(step.SequenceIDs, []uint32{first, second}) || !slices.Equal(step.Deltas, []string{" word", " word"}) ||
		!slices.Equal(step.DeltaBegins, []uint64{0, 0}) || !slices.Equal(step.DeltaEnds, []uint64{0, 1}) {
		t.Errorf("the step is %+v", step)
	}
	for i, event := range step.Events {
		if _, started := event.Event.(harmony.MessageStarted); !started || event.DeltaIndex != i {
			t.Errorf("event %d is %+v", i, event)
		}
	}
	// The second fails; the first goes on, and ends.
	if err := errors.Join(batch.Close(first)); err != nil {
		t.Error(err)
	}
	if err := batch.Close(first); err == nil {
		t.Error("a sequence can be closed twice")
	}
	step = must(batch.StepColumns(ctx, []uint32{first, second, second}, []uint32{stop, end, 1000}))
	var order []string
	for id, event := range step.All() {
		switch event := event.(type) {
		case harmony.MessageCompleted:
			if content(event.Message) != " word" {
				t.Errorf("sequence %d completes %v", id, event)
			}
			order = append(order, fmt.Sprint("completed ", id))
		case harmony.SequenceFailed:
			if id != second || event.ParseFailure() == nil || event.ParseFailure().Offset != 2 {
				t.Errorf("sequence %d fails with %v", id, event)
			}
			order = append(order, fmt.Sprint("failed ", id))
		}
	}
	if !slices.Equal(order, []string{"completed 0", "completed 1", "failed 1"}) {
		t.Errorf("the events are %v", order)
	}
	if batch.ReplayBytes() != 0 {
		t.Errorf("%d bytes are kept for no sequence", batch.ReplayBytes())
	}
	if err := batch.Close(second); err == nil {
		t.Error("a failed sequence can be closed")
	}
	// Both ids are free; unknown ones fail alone; columns of two lengths are not sent.
	if err := errors.Join(batch.OpenAs(second, nil), batch.OpenAs(first, prefilled)); err != nil {
		t.Error(err)
	}
	if _, err := batch.StepColumns(ctx, []uint32{1, 2}, nil); err == nil {
		t.Error("columns differ in length")
	}
	step = must(batch.Step(ctx, map[uint32][]uint32{first: {word}, 77: {word}}))
	failed, ok := step.Events[len(step.Events)-1].Event.(harmony.SequenceFailed)
	if !ok || failed.Reason != "SEQUENCE_UNKNOWN" {
		t.Errorf("the step is %+v", step)
	}
	step = must(batch.Finish(ctx))
	if len(step.Events) != 2 || step.Events[0].SequenceID != second || step.Events[1].SequenceID != first {
		t.Errorf("the last step is %+v", step)
	}
	if _, err := batch.Step(ctx, nil); err != harmony.ErrEnded {
		t.Errorf("after Finish, Step ends with %v", err)
	}
}
