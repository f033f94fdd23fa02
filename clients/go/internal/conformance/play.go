package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyopenaiv1"
	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// outcome is what a call returned, as JSON values; a nil status is OK.
type outcome struct {
	responses []any
	status    any
}

// services returns the services that the vectors call, each with a client.
func services(connection grpc.ClientConnInterface) map[protoreflect.ServiceDescriptor]any {
	harmony := harmonyv1.File_harmony_v1_service_proto.Services().ByName("HarmonyService")
	openai := harmonyopenaiv1.File_harmony_openai_v1_openai_proto.Services().ByName("OpenAIService")
	return map[protoreflect.ServiceDescriptor]any{
		harmony: harmonyv1.NewHarmonyServiceClient(connection),
		openai:  harmonyopenaiv1.NewOpenAIServiceClient(connection),
	}
}

// player makes the calls of one RPC through a method of the generated client.
type player struct {
	method        reflect.Value
	input, output protoreflect.MessageType
	streams       bool
}

// playerOf returns the player of an RPC.
func playerOf(connection grpc.ClientConnInterface, rpc string) (*player, error) {
	for service, client := range services(connection) {
		if method := service.Methods().ByName(protoreflect.Name(rpc)); method != nil {
			return newPlayer(client, method)
		}
	}
	return nil, errors.New("there is no such RPC")
}

func newPlayer(client any, method protoreflect.MethodDescriptor) (*player, error) {
	input, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		return nil, err
	}
	output, err := protoregistry.GlobalTypes.FindMessageByName(method.Output().FullName())
	if err != nil {
		return nil, err
	}
	function := reflect.ValueOf(client).MethodByName(string(method.Name()))
	return &player{function, input, output, method.IsStreamingClient()}, nil
}

// play makes a call. Its error is a mistake in the vector; errors of the server are in the outcome.
func (p *player) play(ctx context.Context, texts []json.RawMessage) (*outcome, error) {
	result := new(outcome)
	var requests []proto.Message
	for _, text := range texts {
		request := p.input.New().Interface()
		if err := protojson.Unmarshal(text, request); err != nil {
			return result, err
		}
		requests = append(requests, request)
	}
	if p.streams {
		return result, p.stream(ctx, requests, result)
	}
	if len(requests) != 1 {
		return result, fmt.Errorf("%d requests for a unary RPC", len(requests))
	}
	returned := p.method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(requests[0])})
	if err, failed := returned[1].Interface().(error); failed {
		return result, result.end(err)
	}
	return result, result.add(returned[0].Interface().(proto.Message))
}

// stream writes and reads in turn, then half-closes and reads the rest.
func (p *player) stream(ctx context.Context, requests []proto.Message, result *outcome) error {
	returned := p.method.Call([]reflect.Value{reflect.ValueOf(ctx)})
	if err, failed := returned[1].Interface().(error); failed {
		return result.end(err)
	}
	call := returned[0].Interface().(grpc.ClientStream)
	for i := 0; ; i++ {
		var err error
		if i < len(requests) {
			err = call.SendMsg(requests[i])
		} else if i == len(requests) {
			err = call.CloseSend()
		}
		// io.EOF from SendMsg: the stream has ended, and RecvMsg returns why.
		if err != nil && err != io.EOF {
			return result.end(err)
		}
		response := p.output.New().Interface()
		if err := call.RecvMsg(response); err != nil {
			return result.end(err)
		}
		if err := result.add(response); err != nil {
			return err
		}
	}
}

func (o *outcome) add(response proto.Message) error {
	value, err := toJSON(response)
	o.responses = append(o.responses, value)
	return err
}

// end records how a call ended: with OK if cause is io.EOF, otherwise with a status.
func (o *outcome) end(cause error) (err error) {
	if cause != io.EOF {
		o.status, err = toJSON(status.Convert(cause).Proto())
	}
	return err
}

// toJSON returns a message in canonical JSON, parsed.
func toJSON(message proto.Message) (any, error) {
	text, err := protojson.Marshal(message)
	if err != nil {
		return nil, err
	}
	var value any
	err = json.Unmarshal(text, &value)
	return value, err
}
