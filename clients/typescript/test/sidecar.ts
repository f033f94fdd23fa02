import { once } from "node:events";
import type { Http2SecureServer, Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ErrorInfoSchema, HarmonyService } from "@harmony-sidecar/client";

/** A fake sidecar, whose responses depend only on the request. */
export const sidecar = connectNodeAdapter({
  routes: (router) =>
    router.service(HarmonyService, {
      decode: ({ tokens }) => ({ output: { case: "text", value: tokens.join(" ") } }),
      encode: ({ text }) => {
        const info = create(ErrorInfoSchema, { reason: "REFUSED", metadata: { text } });
        throw new ConnectError("refused", Code.InvalidArgument, undefined, [
          { desc: ErrorInfoSchema, value: info },
        ]);
      },
      async *parse(requests) {
        for await (const { request } of requests) {
          const text = request.case === "tokens" ? request.value.tokens.join(" ") : "";
          yield { events: [{ event: { case: "delta", value: { text } } }] };
        }
      },
    }),
});

/** Makes a server listen until the test ends; returns its TCP port, or 0 if `path` is set. */
export async function listen(
  context: TestContext,
  server: Http2Server | Http2SecureServer,
  path?: string,
): Promise<number> {
  server.on("session", (session) => {
    context.after(() => {
      session.destroy();
    });
  });
  context.after(() => server.close());
  server.listen(path === undefined ? { host: "localhost", port: 0 } : { path });
  await once(server, "listening");
  return path === undefined ? (server.address() as AddressInfo).port : 0;
}
