package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// outcome is what a call gave, as JSON values; no status is OK.
type outcome struct {
	responses []any
	status    any
}

// player makes a call; an error is one of the vector, not one that the server answered.
type player func(ctx context.Context, requests []json.RawMessage) (*outcome, error)

// message is a pointer to a generated message.
type message[T any] interface {
	*T
	proto.Message
}

// playersOf returns the player of each RPC by its name.
func playersOf(client harmonyv1.HarmonyServiceClient) map[string]player {
	return map[string]player{
		"GetEncoding":                     unary(client.GetEncoding),
		"GetRenderCacheStatistics":        unary(client.GetRenderCacheStatistics),
		"Render":                          unary(client.Render),
		"RenderConversation":              unary(client.RenderConversation),
		"RenderConversationForCompletion": unary(client.RenderConversationForCompletion),
		"RenderConversationForTraining":   unary(client.RenderConversationForTraining),
		"ParseMessages":                   unary(client.ParseMessages),
		"Encode":                          unary(client.Encode),
		"Decode":                          unary(client.Decode),
		"Parse":                           stream(client.Parse),
		"ParseBatch":                      stream(client.ParseBatch),
	}
}

func unary[Q, A any, PQ message[Q], PA message[A]](
	call func(context.Context, PQ, ...grpc.CallOption) (PA, error),
) player {
	return func(ctx context.Context, requests []json.RawMessage) (*outcome, error) {
		result := new(outcome)
		if len(requests) != 1 {
			return result, fmt.Errorf("%d requests for a unary RPC", len(requests))
		}
		request := PQ(new(Q))
		if err := protojson.Unmarshal(requests[0], request); err != nil {
			return result, err
		}
		response, err := call(ctx, request)
		if err != nil {
			return result, result.end(err)
		}
		return result, result.add(response)
	}
}

func stream[Q, A any, PQ message[Q], PA message[A]](
	open func(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[Q, A], error),
) player {
	return func(ctx context.Context, requests []json.RawMessage) (*outcome, error) {
		result := new(outcome)
		call, err := open(ctx)
		if err != nil {
			return result, result.end(err)
		}
		for _, text := range requests {
			request := PQ(new(Q))
			if err := protojson.Unmarshal(text, request); err != nil {
				return result, err
			}
			// io.EOF says that the stream has ended; receiving tells how.
			if err := call.Send(request); err != nil && err != io.EOF {
				return result, result.end(err)
			}
			response, err := call.Recv()
			if err != nil {
				return result, result.end(err)
			}
			if err := result.add(PA(response)); err != nil {
				return result, err
			}
		}
		if err := call.CloseSend(); err != nil {
			return result, result.end(err)
		}
		for {
			response, err := call.Recv()
			if err != nil {
				return result, result.end(err)
			}
			if err := result.add(PA(response)); err != nil {
				return result, err
			}
		}
	}
}

func (o *outcome) add(response proto.Message) error {
	value, err := toJSON(response)
	o.responses = append(o.responses, value)
	return err
}

// end notes how a call ended: io.EOF is OK, anything else a status.
func (o *outcome) end(cause error) (err error) {
	if cause != io.EOF {
		o.status, err = toJSON(status.Convert(cause).Proto())
	}
	return err
}

// toJSON returns the canonical JSON of a message as a value.
func toJSON(message proto.Message) (any, error) {
	text, err := protojson.Marshal(message)
	if err != nil {
		return nil, err
	}
	var value any
	err = json.Unmarshal(text, &value)
	return value, err
}
