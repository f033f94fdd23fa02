// Command conformance plays conformance vectors against a server, through the generated client.
//
//	conformance --target TARGET [--ca FILE] VECTORS_DIRECTORY
package main

import (
	"flag"
	"fmt"
	"math"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/internal/conformance"
)

func main() {
	target := flag.String("target", "", "`address` of the server: host:port or unix:///path")
	ca := flag.String("ca", "", "use TLS and trust the CA in this PEM `file`")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(),
			"usage: conformance --target TARGET [--ca FILE] VECTORS_DIRECTORY")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *target == "" || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*target, *ca, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(target, ca, directory string) error {
	transport := insecure.NewCredentials()
	if ca != "" {
		var err error
		if transport, err = credentials.NewClientTLSFromFile(ca, ""); err != nil {
			return err
		}
	}
	conn, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(transport),
		// Go's default is 4 MiB; responses can be larger.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
	)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conformance.Run(conn, directory, os.Stdout)
}
