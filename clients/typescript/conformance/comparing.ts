import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Vector } from "./vectors.js";

/** The outcome of a call. */
export interface Received {
  /** The canonical JSON of the responses, in order. */
  responses: JsonObject[];
  /** The number of the gRPC status code; 0 means OK. */
  code: number;
  /** The google.rpc.Status of the trailers, if there was one. */
  error?: JsonObject;
}

const MAX_SHOWN = 300;

/** Returns a line for every difference from the outcome that the vector expects. */
export function differences(vector: Vector, received: Received): string[] {
  const comparable = (responses: JsonObject[]) =>
    responses.map((response) => comparableResponse(response, vector.ignore ?? []));
  return [
    ...compare("status code", vector.error?.code ?? 0, received.code),
    ...compare(
      "error",
      vector.error && withoutTexts(vector.error),
      received.error && withoutTexts(received.error),
    ),
    ...compare("responses", comparable(vector.responses), comparable(received.responses)),
  ];
}

function comparableResponse(response: JsonObject, ignored: string[]): JsonObject {
  // Events of ParseBatch and ends of StreamAnswerBatch can have an error.
  return Object.fromEntries(
    Object.entries(omit(response, ...ignored)).map(([key, value]) => [
      key,
      (key === "events" || key === "ended") && Array.isArray(value)
        ? value.map(withoutErrorTexts)
        : value,
    ]),
  );
}

function withoutErrorTexts(event: JsonValue): JsonValue {
  return isObject(event) && isObject(event["error"])
    ? { ...event, error: withoutTexts(event["error"]) }
    : event;
}

/** Returns a google.rpc.Status without the texts for people, which may change. */
function withoutTexts(status: JsonObject): JsonObject {
  const { details, ...others } = omit(status, "message");
  return Array.isArray(details) ? { ...others, details: details.map(withoutDescriptions) } : others;
}

function withoutDescriptions(detail: JsonValue): JsonValue {
  if (isObject(detail) && isObject(detail["metadata"])) {
    return { ...detail, metadata: omit(detail["metadata"], "openai_error_json") };
  }
  if (!isObject(detail) || !Array.isArray(detail["fieldViolations"])) {
    return detail;
  }
  const fieldViolations = detail["fieldViolations"].map((violation) =>
    isObject(violation) ? omit(violation, "description") : violation,
  );
  return { ...detail, fieldViolations };
}

function omit(object: JsonObject, ...keys: string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function* compare(
  path: string,
  expected: JsonValue | undefined,
  received: JsonValue | undefined,
): Generator<string> {
  if (isObject(expected) && isObject(received)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(received)])) {
      yield* compare(`${path}.${key}`, expected[key], received[key]);
    }
  } else if (Array.isArray(expected) && Array.isArray(received)) {
    for (let index = 0; index < Math.max(expected.length, received.length); index++) {
      yield* compare(`${path}[${index}]`, expected[index], received[index]);
    }
  } else if (expected !== received) {
    yield `${path}: expected ${shown(expected)}, received ${shown(received)}`;
  }
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) {
    return "nothing";
  }
  const text = JSON.stringify(value);
  return text.length <= MAX_SHOWN
    ? text
    : `${text.slice(0, MAX_SHOWN)}... (${text.length} characters)`;
}
