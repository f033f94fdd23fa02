import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createSecureServer, createServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { ErrorInfoSchema, HarmonyService, ParseRequestSchema } from "@harmony-sidecar/client";
import { transport, type TransportOptions } from "@harmony-sidecar/client/node";
import { listen, sidecar } from "./sidecar.js";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "harmony-"));
});
after(() => {
  rmSync(folder, { recursive: true });
});

/** Makes a self-signed certificate for `localhost`. */
function certificate(name: string) {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const options =
    "-x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 " +
    "-subj /CN=localhost -addext subjectAltName=DNS:localhost";
  const files = ["-out", cert, "-keyout", key];
  execFileSync("openssl", ["req", ...options.split(" "), ...files], { stdio: "ignore" });
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

async function decoded(target: string, options?: TransportOptions) {
  const client = createClient(HarmonyService, transport(target, options));
  const { output } = await client.decode({ tokens: [1, 2] }, { timeoutMs: 5_000 });
  return output.value;
}

test("host:port connects without TLS", async (context) => {
  const port = await listen(context, createServer(sidecar));
  assert.equal(await decoded(`localhost:${port}`), "1 2");
});

test("unix:///path connects to a Unix socket", async (context) => {
  const path = join(folder, "harmony.sock");
  await listen(context, createServer(sidecar), path);
  assert.equal(await decoded(`unix://${path}`), "1 2");
});

test("with a CA, the transport uses TLS and trusts that CA", async (context) => {
  const own = certificate("own");
  const port = await listen(context, createSecureServer(own, sidecar));
  assert.equal(await decoded(`localhost:${port}`, { ca: own.cert }), "1 2");
});

test("a certificate of another CA is refused", async (context) => {
  const port = await listen(context, createSecureServer(certificate("server"), sidecar));
  await assert.rejects(
    decoded(`localhost:${port}`, { ca: certificate("other").cert }),
    ConnectError,
  );
});

test("a CA for a Unix socket is a TypeError", () => {
  assert.throws(() => transport("unix:///harmony.sock", { ca: "" }), TypeError);
});

test("a request over the server's default limit is not sent", async (context) => {
  const port = await listen(context, createServer(sidecar));
  const client = createClient(HarmonyService, transport(`localhost:${port}`));
  const text = "a".repeat(16 * 1024 * 1024);
  await assert.rejects(client.encode({ text }), { code: Code.ResourceExhausted });
});

test("Connect's own options override the defaults", async (context) => {
  const port = await listen(context, createServer(sidecar));
  const options = { writeMaxBytes: 1 };
  await assert.rejects(decoded(`localhost:${port}`, options), { code: Code.ResourceExhausted });
});

test("an error carries its ErrorInfo", async (context) => {
  const port = await listen(context, createServer(sidecar));
  const client = createClient(HarmonyService, transport(`localhost:${port}`));
  await assert.rejects(client.encode({ text: "Hello" }), (error) => {
    assert(error instanceof ConnectError);
    const [info] = error.findDetails(ErrorInfoSchema);
    assert.equal(error.code, Code.InvalidArgument);
    assert.equal(info?.reason, "REFUSED");
    assert.deepEqual(info.metadata, { text: "Hello" });
    return true;
  });
});

test("a stream gets a response to each request", async (context) => {
  const port = await listen(context, createServer(sidecar));
  const client = createClient(HarmonyService, transport(`localhost:${port}`));
  const requests = new PassThrough({ objectMode: true });
  const write = (token: number) => {
    const tokens = { case: "tokens" as const, value: { tokens: [token] } };
    requests.write(create(ParseRequestSchema, { request: tokens }));
  };
  const answered: string[] = [];
  write(1);
  for await (const { events } of client.parse(requests, { timeoutMs: 5_000 })) {
    const event = events[0]?.event;
    assert(event?.case === "delta");
    answered.push(event.value.text);
    if (answered.length < 3) write(answered.length + 1);
    else requests.end();
  }
  assert.deepEqual(answered, ["1", "2", "3"]);
});
