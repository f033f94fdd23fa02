// Package harmonyv1 is the client of the harmony sidecar: it renders conversations into the tokens
// that gpt-oss models are prompted with, and parses the tokens they sample into messages.
//
// Everything else in it is generated from the protos. Start with [NewHarmonyServiceClient]; the
// comments of [HarmonyServiceClient] are the protocol.
package harmonyv1

// Registers the details of errors, which status.Status.Details finds only then.
import _ "google.golang.org/genproto/googleapis/rpc/errdetails"
