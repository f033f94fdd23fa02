import { connect } from "node:net";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, type GrpcTransportOptions } from "@connectrpc/connect-node";

const UNIX_PREFIX = "unix://";

/** Connect's options for a gRPC transport, and `ca`. */
export type TransportOptions = Omit<GrpcTransportOptions, "baseUrl"> & {
  /** CA certificates in PEM format: use TLS, and trust only these. Default: no TLS. */
  ca?: string | undefined;
};

// The server's default limit. Node's http2 may miss the refusal of a larger request, and the call
// would then hang until its deadline.
const defaults = { writeMaxBytes: 16 * 1024 * 1024 };

/**
 * Returns a gRPC transport to a sidecar, which connects at the first call.
 *
 * @param target - `host:port`, or `unix:///path` for a Unix socket.
 * @throws TypeError if `ca` is set for a Unix socket.
 */
export function transport(target: string, options: TransportOptions = {}): Transport {
  const { ca, nodeOptions, ...others } = options;
  const common = { ...defaults, ...others };
  if (target.startsWith(UNIX_PREFIX)) {
    if (ca !== undefined) {
      throw new TypeError(`${target}: ca cannot be used with a Unix socket`);
    }
    const path = target.slice(UNIX_PREFIX.length);
    return createGrpcTransport({
      ...common,
      // Used only as the `:authority` of requests.
      baseUrl: "http://localhost",
      nodeOptions: { ...nodeOptions, createConnection: () => connect(path) },
    });
  }
  const scheme = ca === undefined ? "http" : "https";
  return createGrpcTransport({
    ...common,
    baseUrl: `${scheme}://${target}`,
    nodeOptions: { ...nodeOptions, ca },
  });
}
