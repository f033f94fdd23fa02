import assert from "node:assert/strict";
import { test } from "node:test";
import { differences } from "../conformance/comparing.js";
import type { Vector } from "../conformance/vectors.js";

const vector: Vector = { rpc: "Encode", name: "encode", requests: [{}], responses: [] };

test("a difference is named by its path", () => {
  const expected = { ...vector, responses: [{ tokens: [1, 2] }] };
  assert.deepEqual(differences(expected, { responses: [{ tokens: [1, 2] }], code: 0 }), []);
  assert.deepEqual(differences(expected, { responses: [{ tokens: [1, 3] }], code: 0 }), [
    "responses[0].tokens[1]: expected 2, received 3",
  ]);
  assert.deepEqual(differences(expected, { responses: [{}], code: 0 }), [
    "responses[0].tokens: expected [1,2], received nothing",
  ]);
  assert.deepEqual(differences(expected, { responses: [], code: 0 }), [
    'responses[0]: expected {"tokens":[1,2]}, received nothing',
  ]);
});

test("an ignored key may have any value", () => {
  const expected = { ...vector, responses: [{ name: "a" }], ignore: ["version"] };
  const responses = [{ name: "a", version: "1" }];
  assert.deepEqual(differences(expected, { responses, code: 0 }), []);
});

test("in an error, only texts for people may differ", () => {
  const status = (field: string, text: string) => ({
    code: 3,
    message: text,
    details: [{ "@type": "BadRequest", fieldViolations: [{ field, description: text }] }],
  });
  const expected = { ...vector, error: status("text", "expected") };
  const received = (field: string) => ({
    responses: [],
    code: 3,
    error: status(field, "received"),
  });
  assert.deepEqual(differences(expected, received("text")), []);
  assert.deepEqual(differences(expected, received("tokens")), [
    'error.details[0].fieldViolations[0].field: expected "text", received "tokens"',
  ]);
});

test("the error of an event is compared as that of a call", () => {
  const responses = (code: number, message: string) => [{ events: [{ error: { code, message } }] }];
  const expected = { ...vector, responses: responses(3, "expected") };
  assert.deepEqual(differences(expected, { responses: responses(3, "received"), code: 0 }), []);
  assert.equal(differences(expected, { responses: responses(4, "expected"), code: 0 }).length, 1);
});

test("the code of the call must match the error", () => {
  const expected = { ...vector, error: { code: 3 } };
  assert.deepEqual(differences(expected, { responses: [], code: 4, error: { code: 3 } }), [
    "status code: expected 3, received 4",
  ]);
});
