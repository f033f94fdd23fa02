package harmonyopenaiv1_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyopenaiv1"
)

var sidecar pb.OpenAIServiceClient

// generate is the engine: it samples until the context is done, and ends every sequence.
func generate(context.Context, *pb.Prompt) <-chan *pb.AnswerStep { return nil }

func chatCompletions(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context()) // also ends the sampling
	defer cancel()
	body, _ := io.ReadAll(r.Body)
	header := &pb.AnswerHeader{Id: "chatcmpl-" + rand.Text(), Created: time.Now().Unix()}
	rendered, err := sidecar.RenderChatCompletion(ctx, &pb.RenderChatCompletionRequest{BodyJson: body, Header: header})
	if err != nil {
		fail(w, err)
		return
	}
	prompt := rendered.Prompt
	answer, err := sidecar.StreamAnswer(ctx)
	if err != nil {
		fail(w, err)
		return
	}
	open := &pb.OpenAnswer{Context: prompt.Context}
	answer.Send(&pb.StreamAnswerRequest{Request: &pb.StreamAnswerRequest_Open{Open: open}})
	steps := generate(ctx, prompt)
	for {
		response, err := answer.Recv()
		if err != nil {
			fail(w, err)
			return
		}
		if len(response.Frames) > 0 {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write(response.Frames)
			w.(http.Flusher).Flush()
		}
		if result := response.Result; result != nil {
			if !prompt.Stream {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(int(result.HttpStatus))
				w.Write(result.BodyJson)
			}
			return
		}
		answer.Send(&pb.StreamAnswerRequest{Request: &pb.StreamAnswerRequest_Step{Step: <-steps}})
	}
}

// fail answers with the status and the body that the sidecar has for the client.
func fail(w http.ResponseWriter, err error) {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.Metadata["openai_error_json"] != "" {
			code, _ := strconv.Atoi(info.Metadata["http_status"])
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			fmt.Fprint(w, info.Metadata["openai_error_json"])
			return
		}
	}
	http.Error(w, `{"error":{"message":"the server failed","type":"server_error"}}`, http.StatusInternalServerError)
}

func Example() {
	http.HandleFunc("POST /v1/chat/completions", chatCompletions)
}
