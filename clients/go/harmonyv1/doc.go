// Package harmonyv1 is the client of the harmony sidecar: it renders conversations into the tokens
// that prompt gpt-oss models, and parses the tokens that the models sample into messages.
//
// The rest of the package is generated from the protos. Start with [NewHarmonyServiceClient]; the
// comments of [HarmonyServiceClient] describe the protocol.
package harmonyv1

// Registers the details of errors, so that status.Status.Details finds them.
import _ "google.golang.org/genproto/googleapis/rpc/errdetails"
