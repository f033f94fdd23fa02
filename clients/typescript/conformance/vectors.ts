import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";

/** One call; messages are in canonical JSON. */
export interface Vector {
  rpc: string;
  name: string;
  requests: JsonObject[];
  responses: JsonObject[];
  /** The google.rpc.Status that the call must end with; absent: OK. */
  error?: JsonObject & { code: number };
  /** Keys of responses that may have any value. */
  ignore?: string[];
}

interface VectorFile {
  rpc: string;
  vectors: Omit<Vector, "rpc">[];
}

/** Returns the vectors of all files of a folder, sorted by file name. */
export async function readVectors(folder: string): Promise<Vector[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  const files = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as VectorFile),
  );
  return files.flatMap(({ rpc, vectors }) => vectors.map((vector) => ({ rpc, ...vector })));
}
