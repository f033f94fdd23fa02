// Package harmonyopenaiv1 is the client of the harmony sidecar's OpenAI layer: it turns bodies of
// OpenAI requests into prompts, and the tokens that the model samples into the bodies and events that
// OpenAI clients read.
//
// The rest of the package is generated from the protos. Start with [NewOpenAIServiceClient]; the
// comments of [OpenAIServiceClient] describe the protocol. Service config, errors and credentials are
// those of package harmonyv1.
package harmonyopenaiv1

// Registers the details of errors, so that status.Status.Details finds them.
import _ "google.golang.org/genproto/googleapis/rpc/errdetails"
