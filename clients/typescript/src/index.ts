export * from "./gen/harmony/v1/chat_pb.js";
export * from "./gen/harmony/v1/constraint_pb.js";
export * from "./gen/harmony/v1/parse_pb.js";
export * from "./gen/harmony/v1/service_pb.js";
export {
  type BadRequest,
  BadRequestSchema,
  type ErrorInfo,
  ErrorInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";
export { type Status, StatusSchema } from "./gen/google/rpc/status_pb.js";
