package harmony

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrEnded is returned by a stream after its end.
var ErrEnded = errors.New("harmony: the stream has ended")

// Error is a call, or a sequence of a batch, that ended with a status other than OK.
//
// errors.Is finds context.DeadlineExceeded and context.Canceled in it, and status.Convert its status.
type Error struct {
	Code codes.Code
	// Message is for people; the text may change.
	Message string
	// Reason is a stable name for programs. Empty if the error does not come from a harmony server.
	Reason string
	// Metadata has the details of the reason, by name.
	Metadata map[string]string
	// Violations are the fields of the request that were refused.
	Violations []FieldViolation

	status *status.Status
}

// FieldViolation is a field of a request that the server refused.
type FieldViolation struct {
	// Field is its path, such as `conversation.messages[2].content[0]`.
	Field string
	// Description says what is wrong with it.
	Description string
}

// ParseFailure says where output is malformed.
type ParseFailure struct {
	// Token is the token that was refused. AtEnd: the end of the tokens was refused, and Token is 0.
	Token uint32
	AtEnd bool
	// Offset is the number of tokens before it in the sequence.
	Offset uint64
	// State is the state of the parser: `ExpectStart`, `Header` or `Content`.
	State string
	// CutOff says that the tokens end inside a header that no stop token ended: a limit cut it off.
	CutOff bool
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// GRPCStatus returns the status that the server sent, with its details.
func (e *Error) GRPCStatus() *status.Status {
	return e.status
}

// Is says whether the error is that of a context.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Code == codes.DeadlineExceeded
	case context.Canceled:
		return e.Code == codes.Canceled
	}
	return false
}

// Field returns the path of the first field that the server refused; empty: it names none.
func (e *Error) Field() string {
	if len(e.Violations) == 0 {
		return ""
	}
	return e.Violations[0].Field
}

// ParseFailure returns where output is malformed; nil: the error is another one.
func (e *Error) ParseFailure() *ParseFailure {
	if e.Code != codes.InvalidArgument || e.Reason != "PARSE_FAILED" {
		return nil
	}
	token, notAToken := strconv.ParseUint(e.Metadata["token"], 10, 32)
	offset, _ := strconv.ParseUint(e.Metadata["offset"], 10, 64)
	return &ParseFailure{
		Token:  uint32(token),
		AtEnd:  notAToken != nil,
		Offset: offset,
		State:  e.Metadata["state"],
		CutOff: e.Metadata["cut_off"] == "true",
	}
}

// isBroken says whether a new call can go on where this one ended.
func (e *Error) isBroken() bool {
	return e.Code == codes.Unavailable || e.exceeds("stream_idle_timeout_seconds")
}

// isTooLarge says whether a request was refused for its size, and not for the server's load.
func (e *Error) isTooLarge() bool {
	// gRPC itself refuses requests far above the limit, without a reason.
	return e.Code == codes.ResourceExhausted && e.Reason == "" ||
		e.exceeds("max_request_bytes") || e.exceeds("max_request_tokens")
}

// isCrowded says whether the server had no room, perhaps only until it has noticed that the broken
// call is gone.
func (e *Error) isCrowded() bool {
	return e.exceeds("max_streams") || e.exceeds("max_sequences")
}

func (e *Error) exceeds(limit string) bool {
	return e.Code == codes.ResourceExhausted && e.Metadata["limit"] == limit
}

// asError returns the error of a call as an *Error, and nil as nil.
func asError(err error) error {
	if err == nil {
		return nil
	}
	return toError(err)
}

func toError(err error) *Error {
	if err == io.EOF {
		err = status.Error(codes.Internal, "the server ended the stream without a response")
	}
	failure := fromStatus(status.Convert(err).Proto())
	// A proxy reports so that its server died in mid-stream; a harmony server never does.
	if failure.Code == codes.Internal && failure.Reason == "" && strings.Contains(failure.Message, "RST_STREAM") {
		failure.Code = codes.Unavailable
	}
	return failure
}

func fromStatus(proto *spb.Status) *Error {
	s := status.FromProto(proto)
	failure := &Error{Code: s.Code(), Message: s.Message(), status: s}
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			failure.Reason, failure.Metadata = detail.GetReason(), detail.GetMetadata()
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				failure.Violations = append(failure.Violations,
					FieldViolation{violation.GetField(), violation.GetDescription()})
			}
		}
	}
	return failure
}
