package main

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// cannedCompletions encode what a model might sample: a call of the tool, then the answer after its result.
var cannedCompletions = []*pb.EncodeRequest{
	completion(`<|channel|>analysis<|message|>The tool knows the weather.<|end|>` +
		`<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json` +
		`<|message|>{"city":"Oslo"}<|call|>`),
	completion(`<|channel|>final<|message|>It rains in Oslo.<|return|>`),
}

func completion(text string) *pb.EncodeRequest {
	return &pb.EncodeRequest{Text: text, AllowedSpecial: &pb.SpecialTokenSet{All: true}}
}

// cannedPrompt requests the prompt that follows a system, a developer and a user message.
func cannedPrompt() *pb.RenderConversationForCompletionRequest {
	system := &pb.SystemContent{ReasoningEffort: pb.ReasoningEffort_REASONING_EFFORT_LOW.Enum()}
	developer := &pb.DeveloperContent{
		Instructions: proto.String("Answer briefly."),
		Tools: []*pb.ToolNamespaceConfig{{
			Name: "functions",
			Tools: []*pb.ToolDescription{{
				Name:           "get_weather",
				Description:    "Returns the weather in a city.",
				ParametersJson: proto.String(`{"type": "object", "properties": {"city": {"type": "string"}}}`),
			}},
		}},
	}
	question := &pb.TextContent{Text: "What is the weather in Oslo?"}
	return &pb.RenderConversationForCompletionRequest{
		NextTurnRole: pb.Role_ROLE_ASSISTANT,
		Conversation: &pb.Conversation{Messages: []*pb.Message{
			message(pb.Role_ROLE_SYSTEM, &pb.Content{Content: &pb.Content_System{System: system}}),
			message(pb.Role_ROLE_DEVELOPER, &pb.Content{Content: &pb.Content_Developer{Developer: developer}}),
			message(pb.Role_ROLE_USER, &pb.Content{Content: &pb.Content_Text{Text: question}}),
		}},
	}
}

func message(role pb.Role, content *pb.Content) *pb.Message {
	return &pb.Message{Author: &pb.Author{Role: role}, Content: []*pb.Content{content}}
}
