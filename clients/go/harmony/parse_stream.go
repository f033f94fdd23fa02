package harmony

import (
	"context"
	"iter"

	"google.golang.org/protobuf/proto"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// ParseStream parses one sequence as its tokens arrive; [Client.OpenParse] returns it.
//
// Use it from one goroutine at a time, and end it with Finish or Cancel. An error ends it too; after
// its end, Feed and Finish return [ErrEnded].
//
// If the connection breaks, or the server ends an idle stream, the step that meets the break replays
// the tokens so far on a new call and goes on: its events are those of an unbroken stream.
type ParseStream struct {
	exchange[pb.ParseRequest, pb.ParseResponse]
	kept
	config *pb.ParseConfig
	tokens []uint32 // Answered, in case of a replay.
}

// OpenParse returns a stream that parses one sequence. A nil config is that of [Assistant]. It sends
// nothing before the first step.
func (c *Client) OpenParse(config *pb.ParseConfig, options ...StreamOption) *ParseStream {
	if config == nil {
		config = Assistant()
	}
	s := &ParseStream{
		kept:   keepUpTo(readStreamOptions(options).replayLimit),
		config: proto.CloneOf(config),
	}
	s.exchange = exchange[pb.ParseRequest, pb.ParseResponse]{
		start: c.Parse, state: s, timeout: c.timeout, most: mostReplayedAtOnce,
	}
	return s
}

// Feed sends tokens in one request, and returns the events that they complete.
//
// If the tokens are malformed output, Feed returns every event before the error, and the next Feed or
// Finish returns the error; its ParseFailure is not nil. Without a deadline in ctx, Feed may take as
// long as a unary call.
func (s *ParseStream) Feed(ctx context.Context, tokens ...uint32) ([]Event, error) {
	response, err := s.ask(ctx, feeding(tokens))
	if err != nil {
		return nil, err
	}
	if s.replays() && !s.add(appendTokens(&s.tokens, tokens...)) {
		s.tokens = nil
	}
	return readEvents(response), nil
}

// Finish ends the sequence, and returns the events that its end completes; with an error, those before
// the error.
func (s *ParseStream) Finish(ctx context.Context) ([]Event, error) {
	response, err := s.ask(ctx, nil)
	s.end()
	return readEvents(response), err
}

// Cancel ends the stream at once. It has no effect after Finish.
func (s *ParseStream) Cancel() {
	s.end()
}

// ReplayBytes returns how much memory the stream keeps for a replay.
func (s *ParseStream) ReplayBytes() int {
	return s.bytes
}

func (s *ParseStream) openings(most int) iter.Seq[*pb.ParseRequest] {
	return func(yield func(*pb.ParseRequest) bool) {
		if !yield(&pb.ParseRequest{Request: &pb.ParseRequest_Config{Config: s.config}}) {
			return
		}
		for begin, end := range parts(len(s.tokens), most, func(int) int { return 1 }) {
			if !yield(feeding(s.tokens[begin:end])) {
				return
			}
		}
	}
}

func (s *ParseStream) entries() int { return len(s.tokens) }

// checkOpening has nothing to find: a failed opening ends the call.
func (s *ParseStream) checkOpening(*pb.ParseResponse) *Error { return nil }

func (s *ParseStream) amend(request *pb.ParseRequest) *pb.ParseRequest { return request }

func feeding(tokens []uint32) *pb.ParseRequest {
	return &pb.ParseRequest{Request: &pb.ParseRequest_Tokens{Tokens: &pb.TokenIds{Tokens: tokens}}}
}
