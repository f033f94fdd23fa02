// Plays the conformance vectors of a folder against a server, through the generated client.
//
//     conformance --target TARGET [--ca FILE] VECTORS_DIRECTORY
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { transport } from "@harmony-sidecar/client/node";
import { play } from "./playing.js";
import { readVectors } from "./vectors.js";

const MAX_LINES = 5; // of one failed vector

const { values, positionals } = parseArgs({
  options: { target: { type: "string" }, ca: { type: "string" } },
  allowPositionals: true,
});
const [folder] = positionals;
if (values.target === undefined || folder === undefined || positionals.length > 1) {
  console.error("usage: conformance --target TARGET [--ca FILE] VECTORS_DIRECTORY");
  process.exit(2);
}
const ca = values.ca === undefined ? undefined : readFileSync(values.ca, "utf8");
const connection = transport(values.target, { ca });

const counts = new Map<string, { passed: number; failed: number }>();
const total = { passed: 0, failed: 0 };
for (const vector of await readVectors(folder)) {
  const lines = await play(connection, vector).catch((reason: unknown) => [String(reason)]);
  const outcome = lines.length === 0 ? "passed" : "failed";
  const count = counts.get(vector.rpc) ?? { passed: 0, failed: 0 };
  counts.set(vector.rpc, count);
  count[outcome]++;
  total[outcome]++;
  if (outcome === "failed") {
    console.log(`FAILED ${vector.name}`);
    for (const line of lines.slice(0, MAX_LINES)) {
      console.log(`    ${line}`);
    }
    if (lines.length > MAX_LINES) {
      console.log(`    and ${lines.length - MAX_LINES} more differences`);
    }
  }
}
for (const [name, { passed, failed }] of [...counts, ["total", total] as const]) {
  console.log(`${name}: ${passed} passed, ${failed} failed`);
}
process.exitCode = total.passed > 0 && total.failed === 0 ? 0 : 1;
