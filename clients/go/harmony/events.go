package harmony

import (
	"iter"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// Event is what tokens complete: a [MessageStarted], [ContentDelta], [MessageCompleted] or
// [Recovered]; in a batch also a [SequenceFailed]. Use a type switch.
type Event interface{ isEvent() }

// MessageStarted says that a header is complete.
type MessageStarted struct{ *pb.MessageStarted }

// ContentDelta is more text of the message that started last.
type ContentDelta struct {
	// Text has at least one character, and never part of one.
	Text string
	// Begin and End are the half-open range of the tokens that the text comes from; both are 0
	// unless ParseOptions.DeltaOffsets is set.
	Begin, End uint64
}

// MessageCompleted says that a message is complete.
type MessageCompleted struct{ *pb.MessageCompleted }

// Recovered is a repair, in recover mode.
type Recovered struct{ *pb.Recovered }

// SequenceFailed says that a sequence of a batch failed and is closed; the others continue.
type SequenceFailed struct{ *Error }

func (MessageStarted) isEvent()   {}
func (ContentDelta) isEvent()     {}
func (MessageCompleted) isEvent() {}
func (Recovered) isEvent()        {}
func (SequenceFailed) isEvent()   {}

// Step is what a step of a batch completes.
type Step struct {
	// SequenceIDs has the sequence of each delta, parallel to Deltas.
	SequenceIDs []uint32
	// Deltas has new text, one delta for each message of each sequence.
	Deltas []string
	// DeltaBegins and DeltaEnds have the range of the tokens of each delta. Empty if no sequence of
	// the step has ParseOptions.DeltaOffsets; 0 for the sequences without it.
	DeltaBegins, DeltaEnds []uint64
	// Events has all other events, in order.
	Events []BatchEvent
}

// BatchEvent is an event of one sequence in a step, other than a delta.
type BatchEvent struct {
	SequenceID uint32
	// DeltaIndex is how many of the step's deltas come before the event.
	DeltaIndex int
	Event      Event
}

// All yields every delta and event in the order in which they happened, each with its sequence.
func (s *Step) All() iter.Seq2[uint32, Event] {
	return func(yield func(uint32, Event) bool) {
		yielded := 0
		deltas := func(end int) bool {
			for ; yielded < end; yielded++ {
				if !yield(s.SequenceIDs[yielded], s.delta(yielded)) {
					return false
				}
			}
			return true
		}
		for _, event := range s.Events {
			if !deltas(event.DeltaIndex) || !yield(event.SequenceID, event.Event) {
				return
			}
		}
		deltas(len(s.Deltas))
	}
}

func (s *Step) delta(index int) ContentDelta {
	delta := ContentDelta{Text: s.Deltas[index]}
	if len(s.DeltaEnds) > 0 {
		delta.Begin, delta.End = s.DeltaBegins[index], s.DeltaEnds[index]
	}
	return delta
}

func readEvents(response *pb.ParseResponse) []Event {
	if len(response.GetEvents()) == 0 {
		return nil
	}
	events := make([]Event, 0, len(response.Events))
	for _, event := range response.Events {
		switch event := event.GetEvent().(type) {
		case *pb.ParseEvent_Started:
			events = append(events, MessageStarted{event.Started})
		case *pb.ParseEvent_Delta:
			offsets := event.Delta.GetOffsets()
			events = append(events, ContentDelta{event.Delta.GetText(), offsets.GetBegin(), offsets.GetEnd()})
		case *pb.ParseEvent_Completed:
			events = append(events, MessageCompleted{event.Completed})
		case *pb.ParseEvent_Recovered:
			events = append(events, Recovered{event.Recovered})
		}
	}
	return events
}

func readStep(response *pb.ParseBatchResponse) *Step {
	step := &Step{
		SequenceIDs: response.GetSequenceIds(),
		Deltas:      response.GetDeltas(),
		DeltaBegins: response.GetDeltaBegins(),
		DeltaEnds:   response.GetDeltaEnds(),
	}
	for _, event := range response.GetEvents() {
		read := BatchEvent{SequenceID: event.GetSequenceId(), DeltaIndex: int(event.GetDeltaIndex())}
		switch event := event.GetEvent().(type) {
		case *pb.SequenceEvent_Started:
			read.Event = MessageStarted{event.Started}
		case *pb.SequenceEvent_Completed:
			read.Event = MessageCompleted{event.Completed}
		case *pb.SequenceEvent_Recovered:
			read.Event = Recovered{event.Recovered}
		case *pb.SequenceEvent_Error:
			read.Event = SequenceFailed{fromStatus(event.Error)}
		default:
			continue // A newer server's event.
		}
		step.Events = append(step.Events, read)
	}
	return step
}
