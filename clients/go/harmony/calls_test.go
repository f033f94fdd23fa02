package harmony_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/harmony-sidecar/harmony-sidecar/clients/go/harmony"
	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
	"github.com/harmony-sidecar/harmony-sidecar/clients/go/internal/sidecar"
)

// TestErrors reads code, reason, field and metadata of refused calls.
func TestErrors(t *testing.T) {
	client := dial(t, sidecar.Running(t).Target)
	_, err := client.Decode(t.Context(), &pb.DecodeRequest{Tokens: []uint32{1, 300_000}})
	var failure *harmony.Error
	if !errors.As(err, &failure) {
		t.Fatalf("%T is not an Error", err)
	}
	if failure.Code != codes.InvalidArgument || failure.Reason != "INVALID_TOKEN" ||
		failure.Field() != "tokens[1]" || failure.Metadata["token"] != "300000" || failure.ParseFailure() != nil {
		t.Errorf("the error is %#v", failure)
	}
	if details := status.Convert(err).Details(); len(details) != 2 {
		t.Errorf("the status has the details %v", details)
	}
	_, err = client.ParseMessages(t.Context(), &pb.ParseMessagesRequest{
		Tokens: append(header[:3:3], 1000, end, 1000), Role: pb.Role_ROLE_ASSISTANT.Enum(),
	})
	errors.As(err, &failure)
	if at := failure.ParseFailure(); at == nil || *at != (harmony.ParseFailure{Token: 1000, Offset: 5, State: "ExpectStart"}) {
		t.Errorf("the parse fails with %v at %v", err, at)
	}
	_, err = client.ParseMessages(t.Context(), &pb.ParseMessagesRequest{
		Tokens: header[:2], Role: pb.Role_ROLE_ASSISTANT.Enum(),
	})
	errors.As(err, &failure)
	if at := failure.ParseFailure(); at == nil || *at != (harmony.ParseFailure{AtEnd: true, Offset: 2, State: "Header", CutOff: true}) {
		t.Errorf("the parse fails with %v at %v", err, at)
	}
}

// TestWaitsForAServer makes a call and a step before the server starts.
func TestWaitsForAServer(t *testing.T) {
	server := sidecar.New(t)
	client := dial(t, server.Target)
	failures := make(chan error, 2)
	go func() {
		_, err := client.GetEncoding(t.Context(), &pb.GetEncodingRequest{})
		failures <- err
	}()
	go func() {
		_, err := client.OpenParse(nil).Feed(t.Context(), header...)
		failures <- err
	}()
	server.Start()
	for range 2 {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
}

// TestTimeouts waits for a server that does not exist and for one that does not answer.
func TestTimeouts(t *testing.T) {
	silent := new(fakeServer)
	for _, target := range []string{"unix://" + filepath.Join(t.TempDir(), "none"), silent.start(t)} {
		client := dial(t, target, harmony.WithTimeout(100*time.Millisecond))
		if target[len(target)-4:] == "none" {
			_, err := client.GetEncoding(t.Context(), &pb.GetEncodingRequest{})
			if !errors.Is(err, context.DeadlineExceeded) || status.Code(err) != codes.DeadlineExceeded {
				t.Errorf("a call ends with %v", err)
			}
		}
		stream := client.OpenParse(nil)
		if _, err := stream.Feed(t.Context(), 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a step ends with %v", err)
		}
		if _, err := stream.Feed(t.Context(), 1); err != harmony.ErrEnded {
			t.Errorf("the step after it ends with %v", err)
		}
		// The context's deadline wins over the default.
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		if _, err := dial(t, target).OpenBatch().Step(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled step ends with %v", err)
		}
	}
}

// TestLargeResponses accepts more than gRPC's default of 4 MiB.
func TestLargeResponses(t *testing.T) {
	server := &fakeServer{encoded: make([]uint32, 5<<20)}
	response, err := dial(t, server.start(t)).Encode(t.Context(), &pb.EncodeRequest{})
	if err != nil || len(response.Tokens) != 5<<20 {
		t.Error(err)
	}
}

// TestProxyIsIgnored reaches a server behind no loopback address, for which gRPC would ask the proxy of
// the environment.
func TestProxyIsIgnored(t *testing.T) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || !network.IP.IsGlobalUnicast() {
			continue
		}
		target := new(fakeServer).listen(t, net.JoinHostPort(network.IP.String(), "0"))
		client := dial(t, target, harmony.WithTimeout(10*time.Second))
		if _, err := client.Encode(t.Context(), &pb.EncodeRequest{}); err != nil {
			t.Error(err)
		}
		return
	}
	t.Skip("the machine has only loopback addresses")
}

// TestBearerToken authenticates unary calls and streams on a local address, and refuses another one.
func TestBearerToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("a-token-of-sixteen-or-more-characters\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := sidecar.Running(t, "--auth-token-file", file)
	authenticated := dial(t, server.Target, harmony.WithBearerToken("a-token-of-sixteen-or-more-characters"))
	if _, err := authenticated.GetEncoding(t.Context(), &pb.GetEncodingRequest{}); err != nil {
		t.Error(err)
	}
	if _, err := authenticated.OpenParse(nil).Feed(t.Context(), header...); err != nil {
		t.Error(err)
	}
	_, err := dial(t, server.Target).OpenParse(nil).Feed(t.Context(), header...)
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token, a step ends with %v", err)
	}
	for _, target := range []string{"192.0.2.1:50051", "dns:///harmony.example.com:50051"} {
		if _, err := harmony.Dial(target, harmony.WithBearerToken("token")); err == nil {
			t.Errorf("the token would be sent in plaintext to %s", target)
		}
	}
	for _, target := range []string{"127.0.0.1:1", "[::1]:1", "localhost:1", "dns:///localhost:1", "unix:/a"} {
		client, err := harmony.Dial(target, harmony.WithBearerToken("token"))
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		client.Close()
	}
}

// TestTLS encrypts, with a token for a server that no loopback rule admits.
func TestTLS(t *testing.T) {
	certificate, authorities := selfSigned(t)
	server := &fakeServer{encoded: []uint32{7}}
	target := server.listen(t, "127.0.0.1:0", grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	client := dial(t, target, harmony.WithTLS(&tls.Config{RootCAs: authorities}), harmony.WithBearerToken("token"))
	response, err := client.Encode(t.Context(), &pb.EncodeRequest{})
	if err != nil || len(response.Tokens) != 1 {
		t.Error(err)
	}
	strangers := dial(t, target, harmony.WithTLS(&tls.Config{RootCAs: x509.NewCertPool()}))
	if _, err := strangers.Encode(t.Context(), &pb.EncodeRequest{}, grpc.WaitForReady(false)); status.Code(err) != codes.Unavailable {
		t.Errorf("a client that does not trust the server ends with %v", err)
	}
}

// selfSigned returns a certificate of 127.0.0.1, and the pool that trusts it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	pool := x509.NewCertPool()
	pool.AddCert(must(x509.ParseCertificate(der)))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestFailFast does not wait for a server if the call says so.
func TestFailFast(t *testing.T) {
	client := dial(t, "unix://"+filepath.Join(t.TempDir(), "none"))
	_, err := client.GetEncoding(t.Context(), &pb.GetEncodingRequest{}, grpc.WaitForReady(false))
	if status.Code(err) != codes.Unavailable {
		t.Errorf("the call ends with %v", err)
	}
}
