package harmony_test

import (
	"context"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
	"github.com/harmony-sidecar/harmony-sidecar/clients/go/internal/sidecar"
)

// configs has one of each kind, which a replay must keep.
func configs() []*pb.ParseConfig {
	role := pb.Role_ROLE_ASSISTANT.Enum()
	return []*pb.ParseConfig{
		{Role: role},
		{Role: role, Options: &pb.ParseOptions{Recover: true, DeltaOffsets: true, CallableNames: []string{"functions.f"}}},
		{Role: role, Options: &pb.ParseOptions{DeltaOffsets: true}, Prefill: header},
		{Role: role, Options: &pb.ParseOptions{Recover: true, Channels: []string{"notes"}}, Prefill: header[:1]},
	}
}

// tokensOf returns tokens for the config of an index.
func tokensOf(index int) []uint32 {
	tokens := []uint32{1000, 1001, uint32(1002 + index), 1003, end, 200006, 173781}
	tokens = append(append(tokens, header...), 2000, 2001, stop)
	prefilled := len(configs()[index%4].Prefill)
	return append(header[prefilled:len(header):len(header)], tokens...)
}

// playParse feeds tokens one by one, and returns all events; between runs between the tokens.
func playParse(t *testing.T, client *harmony.Client, index int, between func(step int)) []string {
	t.Helper()
	stream := client.OpenParse(configs()[index%4])
	var events []harmony.Event
	for i, token := range tokensOf(index) {
		between(i)
		events = append(events, must(stream.Feed(t.Context(), token))...)
	}
	return describeAll(append(events, must(stream.Finish(t.Context()))...))
}

// playBatch does the same with sequences in lock step; they begin one after the
// other, and some ids are used again.
func playBatch(t *testing.T, client *harmony.Client, between func(step int)) (events []string) {
	t.Helper()
	const sequences = 12
	batch := client.OpenBatch()
	for i := range 30 {
		between(i)
		tokens := map[uint32][]uint32{}
		for id := range uint32(sequences) {
			place, all := i-int(id), tokensOf(int(id))
			if place >= len(all) && id%3 == 0 {
				place -= len(all) // The id's second sequence.
			}
			switch {
			case place == 0:
				if err := batch.OpenAs(id, configs()[id%4]); err != nil {
					t.Fatal(err)
				}
			case place == len(all)-1 && id%3 == 0:
				if err := batch.Close(id); err != nil {
					t.Fatal(err)
				}
			}
			if place >= 0 && place < len(all) {
				tokens[id] = all[place : place+1]
			}
		}
		events = append(events, describeStep(must(batch.Step(t.Context(), tokens)))...)
	}
	return append(events, describeStep(must(batch.Finish(t.Context())))...)
}

// TestReplay kills, or stops in good order, the server between steps, and gets the events of an
// undisturbed stream.
func TestReplay(t *testing.T) {
	server := sidecar.Running(t, "--grace-seconds", "0.1", "--drain-seconds", "0")
	client := dial(t, server.Target)
	undisturbed := func(int) {}
	expected := playBatch(t, client, undisturbed)
	expectEqual(t, playBatch(t, client, func(step int) {
		switch step {
		case 1, 13, 20:
			server.Restart()
		case 7:
			server.Stop()
			server.Start()
		}
	}), expected)
	for index := range 4 {
		expected := playParse(t, client, index, undisturbed)
		expectEqual(t, playParse(t, client, index, func(step int) {
			if step == 2*index+1 {
				server.Restart()
			}
		}), expected)
	}
}

// TestReplayIsSplit replays to servers that accept only small requests.
func TestReplayIsSplit(t *testing.T) {
	for _, limit := range [][]string{{"--max-request-tokens", "1"}, {"--max-request-bytes", "1024"}} {
		server := sidecar.Running(t, limit...)
		client := dial(t, server.Target)
		batch, ids := client.OpenBatch(), []uint32{}
		for range 150 {
			ids = append(ids, batch.Open(nil))
			for _, token := range append(header[:3:3], 1000) {
				must(batch.StepColumns(t.Context(), ids[len(ids)-1:], []uint32{token}))
			}
		}
		server.Restart()
		for _, id := range ids {
			if step := must(batch.StepColumns(t.Context(), []uint32{id}, []uint32{1001})); len(step.Deltas) != 1 || len(step.Events) != 0 {
				t.Errorf("%v: the step is %+v", limit, step)
			}
		}
		if last := must(batch.Finish(t.Context())); len(last.Events) != len(ids) {
			t.Errorf("%v: the last step is %+v", limit, last)
		}
		stream := client.OpenParse(nil)
		for _, token := range append(header[:3:3], slices.Repeat([]uint32{1000}, 600)...) {
			must(stream.Feed(t.Context(), token))
		}
		server.Restart()
		if events := must(stream.Feed(t.Context(), 1001)); len(events) != 1 {
			t.Errorf("%v: the events are %q", limit, describeAll(events))
		}
		stream.Cancel()
	}
}

// TestAnIdleStreamGoesOn steps streams that the server has ended meanwhile.
func TestAnIdleStreamGoesOn(t *testing.T) {
	server := sidecar.Running(t, "--stream-idle-timeout-seconds", "0.2")
	var calls atomic.Int64
	client := dial(t, server.Target, harmony.WithDialOptions(grpc.WithChainStreamInterceptor(
		func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, streamer grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
			calls.Add(1)
			return streamer(ctx, desc, conn, method, options...)
		})))
	stream, batch := client.OpenParse(nil), client.OpenBatch()
	id := batch.Open(nil)
	must(stream.Feed(t.Context(), header...))
	must(batch.Step(t.Context(), map[uint32][]uint32{id: header}))
	words := ""
	for deadline := time.Now().Add(time.Minute); calls.Load() < 6; {
		if time.Now().After(deadline) {
			t.Fatal("the server ends no stream")
		}
		time.Sleep(400 * time.Millisecond)
		events := must(stream.Feed(t.Context(), 1000))
		words += events[len(events)-1].(harmony.ContentDelta).Text
		must(batch.StepColumns(t.Context(), []uint32{id}, []uint32{1000}))
	}
	for _, events := range [][]harmony.Event{must(stream.Finish(t.Context())), {must(batch.Finish(t.Context())).Events[0].Event}} {
		if message := events[0].(harmony.MessageCompleted).Message; content(message) != words {
			t.Errorf("the message is %q, not %q", content(message), words)
		}
	}
}

// dying is a batch that answers a number of requests and dies.
func dying(stream pb.HarmonyService_ParseBatchServer, answers int) error {
	for range answers {
		if _, err := stream.Recv(); err != nil {
			return nil
		}
		if err := stream.Send(&pb.ParseBatchResponse{}); err != nil {
			return err
		}
	}
	_, _ = stream.Recv()
	return status.Error(codes.Unavailable, "the server died")
}

// TestReplayReportsRefusedSequences replays to a server that refuses one sequence of two, in words that
// no step of the caller has seen.
func TestReplayReportsRefusedSequences(t *testing.T) {
	var requests []*pb.ParseBatchRequest
	server := &fakeServer{batch: func(s *fakeServer, stream pb.HarmonyService_ParseBatchServer) error {
		if s.calls.Load() == 1 {
			return dying(stream, 1)
		}
		for {
			request, err := stream.Recv()
			if err == io.EOF {
				return stream.Send(&pb.ParseBatchResponse{})
			} else if err != nil {
				return nil
			}
			requests = append(requests, request)
			response := &pb.ParseBatchResponse{}
			if len(request.Open) > 0 {
				refusal := status.New(codes.InvalidArgument, "refused").Proto()
				response.Events = []*pb.SequenceEvent{{SequenceId: 1, Event: &pb.SequenceEvent_Error{Error: refusal}}}
			} else {
				response.SequenceIds, response.Deltas = []uint32{2}, []string{"text"}
			}
			if err := stream.Send(response); err != nil {
				return err
			}
		}
	}}
	batch := dial(t, server.start(t)).OpenBatch()
	for id := range uint32(2) {
		if err := batch.OpenAs(id+1, nil); err != nil {
			t.Fatal(err)
		}
	}
	must(batch.Step(t.Context(), map[uint32][]uint32{1: {7}, 2: {8}}))
	step := must(batch.Step(t.Context(), map[uint32][]uint32{1: {9}, 2: {10}}))
	expectEqual(t, describeStep(step), []string{"1 failed InvalidArgument: refused", `2 delta "text" 0-0`})
	if last := requests[len(requests)-1]; !slices.Equal(last.Tokens, []uint32{10}) {
		t.Errorf("the request after the replay is %v", last)
	}
	if err := batch.Close(1); err == nil {
		t.Error("the refused sequence is still open")
	}
	if err := batch.Close(2); err != nil {
		t.Error(err)
	}
}

// TestReplayWaitsForRoom replays to a server that is full until it has noticed the end of the old call.
func TestReplayWaitsForRoom(t *testing.T) {
	full := exceeds("max_sequences").Proto()
	for _, stubborn := range []bool{false, true} {
		server := &fakeServer{batch: func(s *fakeServer, stream pb.HarmonyService_ParseBatchServer) error {
			switch call := s.calls.Load(); {
			case call == 1:
				return dying(stream, 1)
			case call == 2:
				return exceeds("max_streams").Err()
			case call < 5 || stubborn:
				_, _ = stream.Recv()
				event := &pb.SequenceEvent{SequenceId: 1, Event: &pb.SequenceEvent_Error{Error: full}}
				if err := stream.Send(&pb.ParseBatchResponse{Events: []*pb.SequenceEvent{event}}); err != nil {
					return err
				}
			}
			return dying(stream, 9)
		}}
		batch := dial(t, server.start(t)).OpenBatch()
		if err := batch.OpenAs(1, nil); err != nil {
			t.Fatal(err)
		}
		must(batch.Step(t.Context(), map[uint32][]uint32{1: {7}}))
		step, err := batch.Step(t.Context(), map[uint32][]uint32{1: {8}})
		if err != nil {
			t.Fatal(err)
		}
		// A server that stays full costs the sequence, and the batch goes on.
		if failed := len(step.Events) == 1; failed != stubborn {
			t.Errorf("stubborn: %v; the step is %+v", stubborn, step)
		}
		batch.Cancel()
	}
}

// TestWithoutReplay ends at the first break, with an error that says so once.
func TestWithoutReplay(t *testing.T) {
	// The second stream exceeds its limit with the first step.
	for _, limit := range []int{0, 10} {
		server := &fakeServer{batch: func(_ *fakeServer, stream pb.HarmonyService_ParseBatchServer) error {
			return dying(stream, 1)
		}}
		batch := dial(t, server.start(t)).OpenBatch(harmony.WithReplayLimit(limit))
		id := batch.Open(nil)
		must(batch.Step(t.Context(), map[uint32][]uint32{id: header}))
		if batch.ReplayBytes() != 0 {
			t.Errorf("%d bytes are kept", batch.ReplayBytes())
		}
		if _, err := batch.Step(t.Context(), nil); status.Code(err) != codes.Unavailable {
			t.Errorf("the step ends with %v", err)
		}
		if _, err := batch.Step(t.Context(), nil); err != harmony.ErrEnded {
			t.Errorf("the step after it ends with %v", err)
		}
		if calls := server.calls.Load(); calls != 1 {
			t.Errorf("%d calls were made", calls)
		}
	}
}

// TestReplayBytes compares the memory that a batch counts with the memory that it takes.
func TestReplayBytes(t *testing.T) {
	server := &fakeServer{batch: func(_ *fakeServer, stream pb.HarmonyService_ParseBatchServer) error {
		return dying(stream, 1_000_000)
	}}
	batch := dial(t, server.start(t)).OpenBatch()
	heap := func() int {
		var statistics runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&statistics)
		return int(statistics.HeapAlloc)
	}
	must(batch.Step(t.Context(), nil))
	before := heap()
	const sequences, steps = 2_000, 500
	var ids, tokens []uint32
	for range sequences {
		ids, tokens = append(ids, batch.Open(nil)), append(tokens, 1000)
	}
	for range steps {
		must(batch.StepColumns(t.Context(), ids, tokens))
	}
	taken, counted := heap()-before, batch.ReplayBytes()
	t.Logf("%d tokens: counted %d bytes, taken %d", sequences*steps, counted, taken)
	if ratio := float64(taken) / float64(counted); ratio < 0.8 || ratio > 1.2 {
		t.Errorf("%d bytes are taken, %d counted", taken, counted)
	}
	for _, id := range ids {
		if err := batch.Close(id); err != nil {
			t.Fatal(err)
		}
	}
	must(batch.Step(t.Context(), nil))
	if batch.ReplayBytes() != 0 {
		t.Errorf("%d bytes are kept for closed sequences", batch.ReplayBytes())
	}
}
