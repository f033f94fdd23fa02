package harmony

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // Watches the health that the service config names.
	"google.golang.org/grpc/keepalive"

	pb "github.com/harmony-sidecar/harmony-sidecar/clients/go/harmonyv1"
)

// DefaultTimeout is how long a unary call, or a step of a stream, may take if its context has no
// deadline.
const DefaultTimeout = 30 * time.Second

// ServiceConfig is the service config that [Dial] uses: calls go to all addresses of a name in turn,
// a server that drains gets no new ones, and unary calls are retried if their server is unavailable.
// None has side effects.
const ServiceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"healthCheckConfig": {"serviceName": "harmony.v1.HarmonyService"},
	"methodConfig": [{
		"name": [{"service": "harmony.v1.HarmonyService"}],
		"retryPolicy": {
			"maxAttempts": 4,
			"initialBackoff": "0.025s",
			"maxBackoff": "0.25s",
			"backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}, {
		"name": [
			{"service": "harmony.v1.HarmonyService", "method": "Parse"},
			{"service": "harmony.v1.HarmonyService", "method": "ParseBatch"}
		]
	}]
}`

// Client calls a harmony server. Goroutines may share it.
//
// It has every unary RPC of [pb.HarmonyServiceClient]; their errors are an [*Error]. Parse and
// ParseBatch are the bare streams: use OpenParse and OpenBatch instead.
type Client struct {
	pb.HarmonyServiceClient
	conn    *grpc.ClientConn
	timeout time.Duration
}

// Option changes a default of [Dial].
type Option func(*settings)

type settings struct {
	transport credentials.TransportCredentials
	token     string
	timeout   time.Duration
	more      []grpc.DialOption
}

// WithTLS encrypts the connection. An empty config trusts the system's CAs.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) { s.transport = credentials.NewTLS(config) }
}

// WithBearerToken authenticates every call. Without TLS, the token is only sent over a Unix socket
// or to a loopback address; Dial refuses other targets.
func WithBearerToken(token string) Option {
	return func(s *settings) { s.token = token }
}

// WithTimeout replaces [DefaultTimeout].
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.timeout = timeout }
}

// WithDialOptions adds options of gRPC, for example interceptors; they win over those of Dial.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.more = append(s.more, options...) }
}

// Dial returns a client of the server at a target, such as "127.0.0.1:50051",
// "unix:///run/harmony/harmony.sock" or, for several servers, "dns:///harmony.example.com:50051".
//
// The client connects with its first call, and calls wait until a server is there.
func Dial(target string, options ...Option) (*Client, error) {
	s := settings{transport: insecure.NewCredentials(), timeout: DefaultTimeout}
	for _, option := range options {
		option(&s)
	}
	dialOptions := []grpc.DialOption{
		grpc.WithTransportCredentials(s.transport),
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithChainUnaryInterceptor(s.call),
		grpc.WithDefaultCallOptions(
			grpc.WaitForReady(true),
			// gRPC's own limit, 4 MiB, is about 1.3 million tokens.
			grpc.MaxCallRecvMsgSize(math.MaxInt32),
		),
		// A sidecar is soon back after a restart. With its jitter, gRPC tries at least once a second.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 800 * time.Millisecond},
			MinConnectTimeout: 5 * time.Second,
		}),
		// The server allows a ping every 10 s.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 20 * time.Second, PermitWithoutStream: true,
		}),
		// A proxy for the internet cannot reach a server on this machine or in this cluster.
		grpc.WithNoProxy(),
	}
	if s.token != "" {
		dialOptions = append(dialOptions, grpc.WithPerRPCCredentials(bearer{s.token, isLocal(target)}))
	}
	conn, err := grpc.NewClient(target, append(dialOptions, s.more...)...)
	if err != nil {
		return nil, err
	}
	return &Client{pb.NewHarmonyServiceClient(conn), conn, s.timeout}, nil
}

// Close ends the connection, and with it every call.
func (c *Client) Close() error {
	return c.conn.Close()
}

// call gives a unary call its deadline, and its error a type.
func (s *settings) call(
	ctx context.Context, method string, request, response any,
	conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	ctx, cancel := withDefaultTimeout(ctx, s.timeout)
	defer cancel()
	return asError(invoke(ctx, method, request, response, conn, options...))
}

func withDefaultTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if _, limited := ctx.Deadline(); limited {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// bearer sends a token with each call.
type bearer struct {
	token string
	local bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return !b.local }

// isLocal says whether no other machine sees the traffic to a target.
func isLocal(target string) bool {
	scheme, rest, found := strings.Cut(target, ":")
	if found && (scheme == "unix" || scheme == "unix-abstract") {
		return true
	}
	if found && (scheme == "dns" || scheme == "passthrough") {
		target = rest[strings.LastIndex(rest, "/")+1:]
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = target
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
