package harmony

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// Batch parses many sequences together, one request for each step; [Client.OpenBatch] returns it.
//
// Open and Close send nothing themselves: they go with the next step. A step first opens, then feeds,
// then closes. An error of one sequence is a [SequenceFailed] event, and ends that sequence alone.
//
// Use it from one goroutine at a time, and end it with Finish or Cancel. An error returned by a step
// ends it too; after its end, steps and Finish return [ErrEnded].
//
// If the connection breaks, or the server ends an idle stream, the step that meets the break replays
// the tokens of the open sequences on a new call and goes on: its events are those of an unbroken
// stream. A sequence that the new server does not take fails in that step.
type Batch struct {
	exchange[pb.ParseBatchRequest, pb.ParseBatchResponse]
	kept
	open   map[uint32]bool // By id; true: closes with the next step.
	nextID uint32
	// To go with the next step.
	opening []*pb.OpenSequence
	closing []uint32
	// What a replay brings back: by id, and in the order of opening with some that have ended.
	sequences map[uint32]*sequence
	order     []*sequence
	// What the last replay could not bring back.
	failed []*pb.SequenceEvent
}

// sequence is an open sequence with its answered tokens.
type sequence struct {
	opened *pb.OpenSequence
	tokens []uint32
	bytes  int
	ended  bool
}

// A sequence takes about so many bytes beside its tokens and its config.
const bytesPerSequence = 400

// OpenBatch returns a batch without sequences. It sends nothing before the first step.
func (c *Client) OpenBatch(options ...StreamOption) *Batch {
	b := &Batch{
		kept:      keepUpTo(readStreamOptions(options).replayLimit),
		open:      map[uint32]bool{},
		sequences: map[uint32]*sequence{},
	}
	b.exchange = exchange[pb.ParseBatchRequest, pb.ParseBatchResponse]{
		start: c.ParseBatch, state: b, timeout: c.timeout, most: mostReplayedAtOnce,
	}
	return b
}

// Open opens a sequence with the next step, and returns an id that no open sequence has. A nil config
// is that of [Assistant].
func (b *Batch) Open(config *pb.ParseConfig) uint32 {
	for {
		id := b.nextID
		b.nextID++
		if _, taken := b.open[id]; !taken {
			b.willOpen(id, config)
			return id
		}
	}
}

// OpenAs opens a sequence with the next step under an id of yours. It returns an error if the id is
// open.
func (b *Batch) OpenAs(id uint32, config *pb.ParseConfig) error {
	if _, taken := b.open[id]; taken {
		return fmt.Errorf("harmony: sequence %d is already open", id)
	}
	b.willOpen(id, config)
	return nil
}

func (b *Batch) willOpen(id uint32, config *pb.ParseConfig) {
	if config == nil {
		config = Assistant()
	}
	b.open[id] = false
	b.opening = append(b.opening, &pb.OpenSequence{SequenceId: id, Config: proto.CloneOf(config)})
}

// Close ends a sequence after the tokens of the next step, which also returns the events that the end
// completes. After it, the id is free. Close returns an error if the sequence is not open; a
// SequenceFailed has closed it too.
func (b *Batch) Close(id uint32) error {
	if closing, open := b.open[id]; closing || !open {
		return fmt.Errorf("harmony: sequence %d is not open", id)
	}
	b.open[id] = true
	b.closing = append(b.closing, id)
	return nil
}

// Step sends one or several tokens for each sequence, and returns what they complete. Sequences come
// in the order of their ids. Tokens for a sequence that is not open cause a SequenceFailed.
//
// Without a deadline in ctx, a step may take as long as a unary call.
func (b *Batch) Step(ctx context.Context, tokens map[uint32][]uint32) (*Step, error) {
	ids, column := make([]uint32, 0, len(tokens)), make([]uint32, 0, len(tokens))
	for _, id := range slices.Sorted(maps.Keys(tokens)) {
		for _, token := range tokens[id] {
			ids, column = append(ids, id), append(column, token)
		}
	}
	return b.StepColumns(ctx, ids, column)
}

// StepColumns does the same as Step, faster, with two parallel columns, which it does not copy and
// does not keep. Repeat the id of a sequence that gets several tokens. It returns an error, and the
// batch goes on, if the columns differ in length.
func (b *Batch) StepColumns(ctx context.Context, sequenceIDs, tokens []uint32) (*Step, error) {
	if len(sequenceIDs) != len(tokens) {
		return nil, fmt.Errorf("harmony: %d sequence ids for %d tokens", len(sequenceIDs), len(tokens))
	}
	request := &pb.ParseBatchRequest{
		Open: b.opening, SequenceIds: sequenceIDs, Tokens: tokens, Close: b.closing,
	}
	b.opening, b.closing = nil, nil
	response, err := b.askAll(ctx, request)
	if err != nil {
		return nil, err
	}
	b.note(request, response)
	return readStep(response), nil
}

// Finish ends every sequence of the steps so far, in the order of their opening, and returns what that
// completes.
func (b *Batch) Finish(ctx context.Context) (*Step, error) {
	response, err := b.askAll(ctx, nil)
	if err != nil {
		return nil, err
	}
	b.end()
	return readStep(response), nil
}

// Cancel ends the batch at once. It has no effect after Finish.
func (b *Batch) Cancel() {
	b.end()
}

// ReplayBytes returns how much memory the batch keeps for a replay.
func (b *Batch) ReplayBytes() int {
	return b.bytes
}

// askAll returns the response to a request, behind the errors of a replay.
func (b *Batch) askAll(ctx context.Context, request *pb.ParseBatchRequest) (*pb.ParseBatchResponse, error) {
	response, err := b.ask(ctx, request)
	if err != nil {
		return nil, err
	}
	if len(b.failed) > 0 {
		response.Events = append(b.failed, response.Events...)
		b.failed = nil
	}
	return response, nil
}

// note forgets sequences that ended, and keeps the tokens of the others in case of a replay.
func (b *Batch) note(request *pb.ParseBatchRequest, response *pb.ParseBatchResponse) {
	if b.replays() && !b.keep(request) {
		b.sequences, b.order = nil, nil
	}
	for _, event := range response.Events {
		if event.GetError() != nil {
			b.forget(event.SequenceId)
		}
	}
	for _, id := range request.Close {
		b.forget(id)
	}
	// Forgotten sequences leave the order when they are half of it.
	if len(b.order) > 2*len(b.sequences) {
		b.order = slices.DeleteFunc(b.order, func(s *sequence) bool { return s.ended })
	}
}

func (b *Batch) keep(request *pb.ParseBatchRequest) bool {
	for _, opened := range request.Open {
		bytes := bytesPerSequence + proto.Size(opened)
		s := &sequence{opened: opened, bytes: bytes}
		b.sequences[opened.SequenceId] = s
		b.order = append(b.order, s)
		if !b.add(bytes) {
			return false
		}
	}
	for i, id := range request.SequenceIds {
		if s := b.sequences[id]; s != nil {
			bytes := appendTokens(&s.tokens, request.Tokens[i])
			s.bytes += bytes
			if !b.add(bytes) {
				return false
			}
		}
	}
	return true
}

func (b *Batch) forget(id uint32) {
	delete(b.open, id)
	if s := b.sequences[id]; s != nil {
		s.ended = true
		b.bytes -= s.bytes
		delete(b.sequences, id)
	}
}

func (b *Batch) openings(most int) iter.Seq[*pb.ParseBatchRequest] {
	b.failed = nil
	return func(yield func(*pb.ParseBatchRequest) bool) {
		var opened []*pb.OpenSequence
		var ids, tokens []uint32
		for s := range b.inOrder() {
			opened = append(opened, s.opened)
		}
		for begin, end := range parts(len(opened), most, func(i int) int { return entriesOf(opened[i]) }) {
			if !yield(&pb.ParseBatchRequest{Open: opened[begin:end]}) {
				return
			}
		}
		// A request at a time, so that a replay takes little memory beside the kept tokens.
		for s := range b.inOrder() {
			for rest := s.tokens; len(rest) > 0; {
				part := rest[:min(len(rest), most-len(tokens))]
				rest = rest[len(part):]
				tokens = append(tokens, part...)
				for range part {
					ids = append(ids, s.opened.SequenceId)
				}
				if len(tokens) == most {
					if !yield(&pb.ParseBatchRequest{SequenceIds: ids, Tokens: tokens}) {
						return
					}
					ids, tokens = ids[:0], tokens[:0]
				}
			}
		}
		if len(tokens) > 0 {
			yield(&pb.ParseBatchRequest{SequenceIds: ids, Tokens: tokens})
		}
	}
}

// inOrder yields the sequences of a replay in the order of their opening, in which the server ends
// them.
func (b *Batch) inOrder() iter.Seq[*sequence] {
	return func(yield func(*sequence) bool) {
		for _, s := range b.order {
			if !s.ended && !yield(s) {
				return
			}
		}
	}
}

func (b *Batch) entries() int {
	opened, tokens := 0, 0
	for _, s := range b.sequences {
		opened += entriesOf(s.opened)
		tokens += len(s.tokens)
	}
	return max(opened, tokens)
}

// checkOpening collects the sequences that the new server does not take. Their errors become events of
// the step that replays.
func (b *Batch) checkOpening(response *pb.ParseBatchResponse) (crowded *Error) {
	for _, event := range response.Events {
		if event.GetError() == nil || b.hasFailed(event.SequenceId) {
			continue
		}
		b.failed = append(b.failed, &pb.SequenceEvent{SequenceId: event.SequenceId, Event: event.Event})
		if failure := fromStatus(event.GetError()); failure.isCrowded() {
			crowded = failure
		}
	}
	return crowded
}

func (b *Batch) hasFailed(id uint32) bool {
	return slices.ContainsFunc(b.failed, func(event *pb.SequenceEvent) bool { return event.SequenceId == id })
}

func (b *Batch) amend(request *pb.ParseBatchRequest) *pb.ParseBatchRequest {
	if len(b.failed) == 0 {
		return request
	}
	amended := &pb.ParseBatchRequest{Open: request.Open}
	for i, id := range request.SequenceIds {
		if !b.hasFailed(id) {
			amended.SequenceIds = append(amended.SequenceIds, id)
			amended.Tokens = append(amended.Tokens, request.Tokens[i])
		}
	}
	for _, id := range request.Close {
		if !b.hasFailed(id) {
			amended.Close = append(amended.Close, id)
		}
	}
	return amended
}
