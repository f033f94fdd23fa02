import { PassThrough } from "node:stream";
import {
  createRegistry,
  type DescMessage,
  type DescMethod,
  fromJson,
  type JsonObject,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import {
  type CallOptions,
  ConnectError,
  createClient,
  decodeBinaryHeader,
  type Transport,
} from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  HarmonyService,
  StatusSchema,
} from "@harmony-sidecar/client";
import { OpenAIService } from "@harmony-sidecar/client/openai";
import { differences, type Received } from "./comparing.js";
import type { Vector } from "./vectors.js";

type Unary = (request: Message, options: CallOptions) => Promise<Message>;
type Streaming = (requests: AsyncIterable<Message>, options: CallOptions) => AsyncIterable<Message>;

// The types needed to print google.protobuf.Any as JSON.
const registry = createRegistry(ErrorInfoSchema, BadRequestSchema);
const deadline = { timeoutMs: 30_000 };
const services = [HarmonyService, OpenAIService];

/** Makes the call of a vector and returns a line for every difference. */
export async function play(transport: Transport, vector: Vector): Promise<string[]> {
  const method = services
    .flatMap<DescMethod>(({ methods }) => methods)
    .find(({ name }) => name === vector.rpc);
  if (method === undefined) {
    return [`no service has the RPC ${vector.rpc}`];
  }
  const client: Record<string, unknown> = createClient(method.parent, transport);
  const stub = client[method.localName];
  const requests = vector.requests.map((request) => fromJson(method.input, request, { registry }));
  const responses =
    method.methodKind === "unary"
      ? unary(stub as Unary, requests)
      : lockStep(stub as Streaming, requests);
  return differences(vector, await receive(method, responses));
}

async function* unary(stub: Unary, requests: Message[]): AsyncGenerator<Message> {
  for (const request of requests) {
    yield await stub(request, deadline);
  }
}

/** Writes and reads in turn, then half-closes and reads the rest. */
async function* lockStep(stub: Streaming, requests: Message[]): AsyncGenerator<Message> {
  const written = new PassThrough({ objectMode: true });
  const responses = stub(written, deadline)[Symbol.asyncIterator]();
  for (const request of requests) {
    written.write(request);
    const response = await responses.next();
    if (response.done === true) {
      return;
    }
    yield response.value;
  }
  written.end();
  yield* { [Symbol.asyncIterator]: () => responses };
}

async function receive(method: DescMethod, messages: AsyncIterable<Message>): Promise<Received> {
  const responses: JsonObject[] = [];
  try {
    for await (const message of messages) {
      responses.push(json(method.output, message));
    }
  } catch (reason) {
    const { code, metadata } = ConnectError.from(reason);
    const status = metadata.get("grpc-status-details-bin");
    return status === null
      ? { responses, code }
      : {
          responses,
          // Not `code`, which is the code of the details if there are any.
          code: Number(metadata.get("grpc-status")),
          error: json(StatusSchema, decodeBinaryHeader(status, StatusSchema)),
        };
  }
  return { responses, code: 0 };
}

function json(schema: DescMessage, message: Message): JsonObject {
  return toJson(schema, message, { registry }) as JsonObject;
}
