package harmony_test

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
	"github.com/harmony-sidecar/harmony-sidecar/clients/go/internal/sidecar"
)

const benchSequences = 256

// BenchmarkStep compares a step of 256 sequences through the bare stubs with one through a batch that
// keeps the tokens for a replay. Every 500 steps, all sequences are opened again.
func BenchmarkStep(b *testing.B) {
	server := sidecar.Running(b)
	ids, tokens := make([]uint32, benchSequences), make([]uint32, benchSequences)
	for i := range ids {
		ids[i], tokens[i] = uint32(i), uint32(1000+i)
	}
	opening := harmony.Assistant()
	opening.Prefill = header
	report := func(b *testing.B) {
		b.ReportMetric(float64(benchSequences*b.N)/b.Elapsed().Seconds(), "tokens/s")
	}
	b.Run("stubs", func(b *testing.B) {
		conn := must(grpc.NewClient(server.Target, grpc.WithTransportCredentials(insecure.NewCredentials())))
		defer conn.Close()
		stream := must(pb.NewHarmonyServiceClient(conn).ParseBatch(b.Context()))
		step := 0
		for b.Loop() {
			request := &pb.ParseBatchRequest{SequenceIds: ids, Tokens: tokens}
			switch step++; step % 500 {
			case 1:
				for _, id := range ids {
					request.Open = append(request.Open, &pb.OpenSequence{SequenceId: id, Config: opening})
				}
			case 0:
				request.Close = ids
			}
			_ = stream.Send(request)
			must(stream.Recv())
		}
		report(b)
	})
	b.Run("batch", func(b *testing.B) {
		batch := dial(b, server.Target).OpenBatch()
		step := 0
		for b.Loop() {
			switch step++; step % 500 {
			case 1:
				for _, id := range ids {
					must(id, batch.OpenAs(id, opening))
				}
			case 0:
				for _, id := range ids {
					must(id, batch.Close(id))
				}
			}
			must(batch.StepColumns(b.Context(), ids, tokens))
		}
		batch.Cancel()
		report(b)
	})
}
