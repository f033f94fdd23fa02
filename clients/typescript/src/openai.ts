export * from "./gen/harmony/openai/v1/openai_pb.js";
