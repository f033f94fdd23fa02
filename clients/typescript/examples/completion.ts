// Renders a prompt with a tool, then parses what a model might sample, token by token.
import { PassThrough } from "node:stream";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import * as harmony from "@harmony-sidecar/client";
import { transport } from "@harmony-sidecar/client/node";

const { ParseRequestSchema, Role } = harmony;
const server = transport(process.argv[2] ?? "127.0.0.1:50051");
const client = createClient(harmony.HarmonyService, server);
const deadline = { timeoutMs: 30_000 };

const getWeather = {
  name: "get_weather",
  description: "Returns the weather in a city.",
  parametersJson: '{"type":"object","properties":{"city":{"type":"string"}}}',
};
const tools = [{ name: "functions", tools: [getWeather] }];
const completions = [
  "<|channel|>analysis<|message|>I need the weather.<|end|><|start|>assistant<|channel|>commentary" +
    ' to=functions.get_weather <|constrain|>json<|message|>{"city":"Oslo"}<|call|>',
  "<|channel|>final<|message|>It rains in Oslo.<|return|>",
];

const message = (role: harmony.Role, content: MessageInitShape<typeof harmony.ContentSchema>) => ({
  author: { role },
  content: [content],
});

/** Takes the place of the engine: yields one token per step, up to a stop token. */
function* sample(tokens: number[], stopTokens: number[]) {
  for (const token of tokens) {
    yield token;
    if (stopTokens.includes(token)) return;
  }
}

function show({ event }: harmony.ParseEvent) {
  if (event.case === "started") {
    const names = [event.value.channel, event.value.recipient].filter(Boolean);
    process.stdout.write(`[${names.join(" to ")}] `);
  }
  if (event.case === "delta") process.stdout.write(event.value.text);
  if (event.case === "completed") process.stdout.write("\n");
}

try {
  const { stopTokensForAssistantActions } = await client.getEncoding({}, deadline);
  const messages = [
    message(Role.SYSTEM, { content: { case: "system", value: {} } }),
    message(Role.DEVELOPER, { content: { case: "developer", value: { tools } } }),
    message(Role.USER, { content: { case: "text", value: { text: "Does it rain?" } } }),
  ];
  const prompt = { conversation: { messages }, nextTurnRole: Role.ASSISTANT };
  const { tokens } = await client.renderConversationForCompletion(prompt, deadline);
  console.log(`The prompt has ${tokens.length} tokens.`);

  for (const text of completions) {
    const encoded = await client.encode({ text, allowedSpecial: { all: true } }, deadline);
    const steps = sample(encoded.tokens, stopTokensForAssistantActions);
    const requests = new PassThrough({ objectMode: true });
    const write = (request: MessageInitShape<typeof ParseRequestSchema>) =>
      requests.write(create(ParseRequestSchema, request));
    write({ request: { case: "config", value: { role: Role.ASSISTANT } } });
    // Each request gets one response, and so does the half-close.
    for await (const { events } of client.parse(requests, deadline)) {
      events.forEach(show);
      const step = steps.next();
      if (step.done) requests.end();
      else write({ request: { case: "tokens", value: { tokens: [step.value] } } });
    }
  }
} catch (reason) {
  const error = ConnectError.from(reason);
  const [info] = error.findDetails(harmony.ErrorInfoSchema);
  console.error(`${Code[error.code]}: ${info?.reason ?? "no reason"}: ${error.rawMessage}`);
  process.exitCode = 1;
}
