// Package harmony is the client of the harmony sidecar for engines written in Go. [Dial] returns a
// client whose calls have deadlines, wait for a server that starts later and return an [*Error].
// [Client.OpenParse] and [Client.OpenBatch] open streams that survive the death of the server.
//
// The messages are those of package harmonyv1, which is generated from the protos.
package harmony
