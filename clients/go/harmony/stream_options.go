package harmony

import pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"

// DefaultReplayLimit is how many bytes a stream keeps for a replay.
const DefaultReplayLimit = 256 << 20

// StreamOption changes a default of a stream.
type StreamOption func(*streamSettings)

type streamSettings struct {
	replayLimit int
}

// WithReplayLimit replaces [DefaultReplayLimit], in bytes. A stream keeps 4 bytes and some spare room
// for each token of its open sequences. One that exceeds its limit forgets all tokens and goes on
// without replay: if its connection breaks, it ends with the code Unavailable. 0: never replay.
func WithReplayLimit(bytes int) StreamOption {
	return func(s *streamSettings) { s.replayLimit = bytes }
}

func readStreamOptions(options []StreamOption) streamSettings {
	s := streamSettings{replayLimit: DefaultReplayLimit}
	for _, option := range options {
		option(&s)
	}
	return s
}

// Assistant returns the config of a completion: strict mode, behind a prompt that ends with the role
// assistant.
func Assistant() *pb.ParseConfig {
	return &pb.ParseConfig{Role: pb.Role_ROLE_ASSISTANT.Enum()}
}
