package harmony

import (
	"iter"

	"google.golang.org/protobuf/proto"
)

const (
	// Entries in a request of a replay, until a server refuses so many.
	mostReplayedAtOnce = 100_000
	bytesPerToken      = 4
	// A token of a batch takes at most so many bytes in a request; larger openings count as several.
	bytesPerEntry = 8
)

// kept counts the bytes that a session keeps for a replay.
type kept struct {
	limit, bytes int
	off          bool
}

func keepUpTo(limit int) kept {
	return kept{limit: limit, off: limit <= 0}
}

// add counts bytes; false: they exceed the limit, and nothing may be kept any more.
func (k *kept) add(bytes int) bool {
	k.bytes += bytes
	if k.bytes > k.limit {
		*k = kept{off: true}
	}
	return !k.off
}

func (k *kept) replays() bool { return !k.off }

// appendTokens appends tokens and returns by how many bytes the slice has grown.
func appendTokens(tokens *[]uint32, more ...uint32) int {
	before := cap(*tokens)
	*tokens = append(*tokens, more...)
	return (cap(*tokens) - before) * bytesPerToken
}

// entriesOf returns how many entries a message counts as.
func entriesOf(message proto.Message) int {
	return 1 + proto.Size(message)/bytesPerEntry
}

// parts yields ranges of 0 to count, each of at most so many entries, and at least of one.
func parts(count, most int, entries func(index int) int) iter.Seq2[int, int] {
	return func(yield func(begin, end int) bool) {
		begin, size := 0, 0
		for end := range count {
			more := entries(end)
			if end > begin && size+more > most {
				if !yield(begin, end) {
					return
				}
				begin, size = end, 0
			}
			size += more
		}
		if begin < count {
			yield(begin, count)
		}
	}
}
