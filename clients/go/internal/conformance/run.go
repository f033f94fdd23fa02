package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
)

const callTimeout = 30 * time.Second

// Run plays every vector of a directory and writes a report to out. It returns an error if a vector
// failed or there was none.
func Run(connection grpc.ClientConnInterface, directory string, out io.Writer) error {
	files, err := load(directory)
	if err != nil {
		return err
	}
	var summary string
	allPassed, allFailed := 0, 0
	for _, file := range files {
		passed, failed := 0, 0
		for _, v := range file.Vectors {
			if failure := play(connection, file.RPC, v); failure != "" {
				fmt.Fprintf(out, "%s\n    %s\n", v.Name, failure)
				failed++
			} else {
				passed++
			}
		}
		summary += fmt.Sprintf("%s: %d passed, %d failed\n", file.RPC, passed, failed)
		allPassed += passed
		allFailed += failed
	}
	fmt.Fprintf(out, "%stotal: %d passed, %d failed\n", summary, allPassed, allFailed)
	switch {
	case allFailed > 0:
		return errors.New("not every vector passed")
	case allPassed == 0:
		return errors.New("no vectors in " + directory)
	}
	return nil
}

// play plays a vector and describes the first difference from what it expects; "": none.
func play(connection grpc.ClientConnInterface, rpc string, v vector) string {
	p, err := playerOf(connection, rpc)
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	received, err := p.play(ctx, v.Requests)
	if err != nil {
		return err.Error()
	}
	return compare(v, received)
}
