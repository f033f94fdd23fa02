package conformance

import (
	"context"
	"errors"
	"io"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// errInexpressible ends the play of requests that a session does not make, such as two configs.
var errInexpressible = errors.New("a session cannot make this request")

// sessions offers the streams of package harmony as the generated client does, so that they can play
// vectors.
type sessions struct {
	*harmony.Client
}

func (s sessions) Parse(ctx context.Context, _ ...grpc.CallOption) (harmonyv1.HarmonyService_ParseClient, error) {
	return &grpc.GenericClientStream[harmonyv1.ParseRequest, harmonyv1.ParseResponse]{
		ClientStream: &parseSession{session: session{ctx: ctx}, client: s.Client},
	}, nil
}

func (s sessions) ParseBatch(ctx context.Context, _ ...grpc.CallOption) (harmonyv1.HarmonyService_ParseBatchClient, error) {
	batch := s.OpenBatch()
	context.AfterFunc(ctx, batch.Cancel)
	return &grpc.GenericClientStream[harmonyv1.ParseBatchRequest, harmonyv1.ParseBatchResponse]{
		ClientStream: &batchSession{session: session{ctx: ctx}, batch: batch},
	}, nil
}

// session is a stream that makes each step when its response is read.
type session struct {
	ctx      context.Context
	finished bool
	next     func() (proto.Message, error)
}

func (s *session) Header() (metadata.MD, error) { return nil, nil }
func (s *session) Trailer() metadata.MD         { return nil }
func (s *session) Context() context.Context     { return s.ctx }

func (s *session) RecvMsg(message any) error {
	if s.finished {
		return io.EOF
	}
	response, err := s.next()
	if err == nil {
		proto.Merge(message.(proto.Message), response)
	}
	return err
}

type parseSession struct {
	session
	client *harmony.Client
	stream *harmony.ParseStream
}

func (s *parseSession) SendMsg(message any) error {
	request := message.(*harmonyv1.ParseRequest)
	switch {
	case request.GetConfig() != nil && s.stream == nil:
		s.stream = s.client.OpenParse(request.GetConfig())
		context.AfterFunc(s.ctx, s.stream.Cancel)
		// A step without tokens sends the config, too.
		s.next = func() (proto.Message, error) { return parsed(s.stream.Feed(s.ctx)) }
	case request.GetTokens() != nil && s.stream != nil:
		s.next = func() (proto.Message, error) { return parsed(s.stream.Feed(s.ctx, request.GetTokens().Tokens...)) }
	default:
		return errInexpressible
	}
	return nil
}

func (s *parseSession) CloseSend() error {
	if s.stream == nil {
		return errInexpressible
	}
	s.next = func() (proto.Message, error) {
		response, err := parsed(s.stream.Finish(s.ctx))
		s.finished = true
		return response, err
	}
	return nil
}

func parsed(events []harmony.Event, err error) (proto.Message, error) {
	response := new(harmonyv1.ParseResponse)
	for _, event := range events {
		wrapped := new(harmonyv1.ParseEvent)
		switch event := event.(type) {
		case harmony.MessageStarted:
			wrapped.Event = &harmonyv1.ParseEvent_Started{Started: event.MessageStarted}
		case harmony.ContentDelta:
			delta := &harmonyv1.ContentDelta{Text: event.Text}
			if event.End != 0 {
				delta.Offsets = &harmonyv1.TokenRange{Begin: event.Begin, End: event.End}
			}
			wrapped.Event = &harmonyv1.ParseEvent_Delta{Delta: delta}
		case harmony.MessageCompleted:
			wrapped.Event = &harmonyv1.ParseEvent_Completed{Completed: event.MessageCompleted}
		case harmony.Recovered:
			wrapped.Event = &harmonyv1.ParseEvent_Recovered{Recovered: event.Recovered}
		}
		response.Events = append(response.Events, wrapped)
	}
	return response, err
}

type batchSession struct {
	session
	batch *harmony.Batch
}

func (s *batchSession) SendMsg(message any) error {
	request := message.(*harmonyv1.ParseBatchRequest)
	for _, opened := range request.Open {
		config := opened.Config
		if config == nil {
			config = new(harmonyv1.ParseConfig) // Unset is not the default of a session.
		}
		if s.batch.OpenAs(opened.SequenceId, config) != nil {
			return errInexpressible
		}
	}
	for _, id := range request.Close {
		if s.batch.Close(id) != nil {
			return errInexpressible
		}
	}
	if len(request.SequenceIds) != len(request.Tokens) {
		return errInexpressible
	}
	s.next = func() (proto.Message, error) {
		return stepped(s.batch.StepColumns(s.ctx, slices.Clone(request.SequenceIds), slices.Clone(request.Tokens)))
	}
	return nil
}

func (s *batchSession) CloseSend() error {
	s.next = func() (proto.Message, error) {
		response, err := stepped(s.batch.Finish(s.ctx))
		s.finished = true
		return response, err
	}
	return nil
}

func stepped(step *harmony.Step, err error) (proto.Message, error) {
	response := new(harmonyv1.ParseBatchResponse)
	if err != nil {
		return response, err
	}
	response.SequenceIds, response.Deltas = step.SequenceIDs, step.Deltas
	response.DeltaBegins, response.DeltaEnds = step.DeltaBegins, step.DeltaEnds
	for _, event := range step.Events {
		wrapped := &harmonyv1.SequenceEvent{SequenceId: event.SequenceID, DeltaIndex: uint32(event.DeltaIndex)}
		switch event := event.Event.(type) {
		case harmony.MessageStarted:
			wrapped.Event = &harmonyv1.SequenceEvent_Started{Started: event.MessageStarted}
		case harmony.MessageCompleted:
			wrapped.Event = &harmonyv1.SequenceEvent_Completed{Completed: event.MessageCompleted}
		case harmony.Recovered:
			wrapped.Event = &harmonyv1.SequenceEvent_Recovered{Recovered: event.Recovered}
		case harmony.SequenceFailed:
			wrapped.Event = &harmonyv1.SequenceEvent_Error{Error: event.GRPCStatus().Proto()}
		}
		response.Events = append(response.Events, wrapped)
	}
	return response, nil
}
