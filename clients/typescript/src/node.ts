import { connect } from "node:net";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, type GrpcTransportOptions } from "@connectrpc/connect-node";

const UNIX_PREFIX = "unix://";

/** Connect's options of a gRPC transport, and `ca`. */
export type TransportOptions = Omit<GrpcTransportOptions, "baseUrl"> & {
  /** Certificates in PEM format. With it the connection is TLS and trusts these alone. */
  ca?: string | undefined;
};

// What the server takes unless it is told otherwise. Node's http2 may miss the refusal of a larger
// request, which would hang until its deadline.
const defaults = { writeMaxBytes: 16 * 1024 * 1024 };

/**
 * Returns a gRPC transport to a sidecar. It connects with the first call.
 *
 * @param target - `host:port`, or `unix:///path` of a Unix socket.
 */
export function transport(target: string, options: TransportOptions = {}): Transport {
  const { ca, nodeOptions, ...others } = options;
  const common = { ...defaults, ...others };
  if (target.startsWith(UNIX_PREFIX)) {
    if (ca !== undefined) {
      throw new TypeError(`${target}: there is no TLS on a Unix socket`);
    }
    const path = target.slice(UNIX_PREFIX.length);
    return createGrpcTransport({
      ...common,
      // No more than the `:authority` of the requests.
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
