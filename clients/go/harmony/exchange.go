package harmony

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// The second attempt is immediate: its call waits for the server anyway.
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
	// How often a server without room is asked again: over one to two seconds.
	mostCrowded = 6
)

// state is what a session keeps in order to go on with a new call.
type state[Req, Res any] interface {
	// replays says whether a new call can replace a broken one.
	replays() bool
	// openings returns the requests that bring a new call to the state of the session, each with at
	// most so many entries.
	openings(most int) iter.Seq[*Req]
	// entries returns how many entries a single request with all openings would have.
	entries() int
	// checkOpening looks at the response to an opening.
	checkOpening(response *Res) *Error
	// amend returns the request without the sequences whose opening failed.
	amend(request *Req) *Req
}

// exchange sends requests, each of which gets one response, and replaces a broken call.
type exchange[Req, Res any] struct {
	start   func(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[Req, Res], error)
	state   state[Req, Res]
	timeout time.Duration

	stream grpc.BidiStreamingClient[Req, Res]
	cancel context.CancelFunc // Of the stream.
	ended  bool
	// The most entries in an opening request. Kept for later replays: the server's limits seldom change.
	most int
	// Whether a request was ever answered, so that a new call is a replay.
	answered bool
}

// ask sends a request, or half-closes the stream if it is nil, and returns the response. The response
// to the half-close may come with an error.
func (x *exchange[Req, Res]) ask(ctx context.Context, request *Req) (*Res, error) {
	if x.ended {
		return nil, ErrEnded
	}
	ctx, cancel := withDefaultTimeout(ctx, x.timeout)
	defer cancel()
	begin := time.Now()
	var pause time.Duration
	for crowded := 0; ; {
		response, opening, failure := x.attempt(ctx, request, crowded < mostCrowded)
		if failure == nil {
			x.answered = true
			return response, nil
		}
		x.drop()
		switch {
		case ctx.Err() != nil:
			x.ended = true
			return nil, late(ctx, begin, failure)
		case !x.state.replays():
			x.ended = true
			return nil, failure
		case opening && failure.isTooLarge() && x.halve():
			continue
		case opening && x.answered && failure.isCrowded() && crowded < mostCrowded:
			crowded++
		case !failure.isBroken():
			x.ended = true
			return response, failure
		}
		if !sleep(ctx, time.Duration((0.5+rand.Float64()/2)*float64(pause))) {
			x.ended = true
			return nil, failure
		}
		pause = min(max(2*pause, firstPause), longestPause)
	}
}

// attempt makes the request once, on a new call if there is none; opening: an opening request failed.
func (x *exchange[Req, Res]) attempt(ctx context.Context, request *Req, choosy bool) (response *Res, opening bool, failure *Error) {
	isNew := x.stream == nil
	var callCtx context.Context
	if isNew {
		// The call outlives the step, whose context limits only its own attempt.
		callCtx, x.cancel = context.WithCancel(context.WithoutCancel(ctx))
	}
	stop := context.AfterFunc(ctx, x.cancel)
	defer func() {
		if !stop() && failure == nil {
			failure = toError(status.FromContextError(ctx.Err()).Err())
		}
	}()
	if isNew {
		stream, err := x.start(callCtx)
		if err != nil {
			return nil, true, toError(err)
		}
		x.stream = stream
		for request := range x.state.openings(x.most) {
			response, err := x.roundTrip(request)
			if err != nil {
				return nil, true, toError(err)
			}
			if failure := x.state.checkOpening(response); failure != nil && choosy {
				return nil, true, failure
			}
		}
	}
	if request != nil {
		request = x.state.amend(request)
	}
	response, err := x.roundTrip(request)
	if err != nil {
		return response, false, toError(err)
	}
	return response, false, nil
}

func (x *exchange[Req, Res]) roundTrip(request *Req) (*Res, error) {
	if request != nil {
		_ = x.stream.Send(request) // If this fails, Recv returns the reason.
		return x.stream.Recv()
	}
	_ = x.stream.CloseSend()
	response, err := x.stream.Recv()
	if err != nil {
		return nil, err
	}
	// Read on to the status, which may be an error.
	switch _, err := x.stream.Recv(); err {
	case io.EOF:
		return response, nil
	case nil:
		return nil, errors.New("the server sent a response too many")
	default:
		return response, err
	}
}

// halve makes opening requests smaller; false: a single entry cannot be split.
func (x *exchange[Req, Res]) halve() bool {
	largest := min(x.most, x.state.entries())
	if largest <= 1 {
		return false
	}
	x.most = largest / 2
	return true
}

// end ends the stream and cancels its call.
func (x *exchange[Req, Res]) end() {
	x.ended = true
	x.drop()
}

func (x *exchange[Req, Res]) drop() {
	if x.cancel != nil {
		x.cancel()
	}
	x.stream, x.cancel = nil, nil
}

// late returns the error of a step whose context ended, with the last failure in its message.
func late(ctx context.Context, begin time.Time, last *Error) *Error {
	s := status.FromContextError(ctx.Err())
	message := fmt.Sprintf("no response within %s", time.Since(begin).Round(time.Millisecond))
	if s.Code() == codes.Canceled {
		message = "the step was cancelled"
	}
	if last.Code != s.Code() {
		message += ": " + last.Message
	}
	return toError(status.Error(s.Code(), message))
}

// sleep pauses; false: the context ends before the pause does.
func sleep(ctx context.Context, pause time.Duration) bool {
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
