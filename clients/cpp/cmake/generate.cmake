# Sets HARMONY_GENERATED to the C++ files generated from the protos. Every machine generates them,
# because generated C++ works only with the version of protobuf that generated it.
set(HARMONY_PROTOS
    harmony/v1/chat.proto harmony/v1/constraint.proto harmony/v1/parse.proto
    harmony/v1/service.proto harmony/openai/v1/openai.proto
)
# Those that define a service.
set(HARMONY_SERVICES harmony/v1/service harmony/openai/v1/openai)
# The imports of the harmony protos, and the details of errors.
set(HARMONY_GOOGLE_PROTOS
    google/api/annotations.proto google/api/http.proto google/rpc/error_details.proto
    google/rpc/status.proto
)

foreach(service IN LISTS HARMONY_SERVICES)
  list(APPEND HARMONY_GENERATED ${service}.grpc.pb.cc ${service}.grpc.pb.h)
endforeach()
foreach(proto IN LISTS HARMONY_PROTOS HARMONY_GOOGLE_PROTOS)
  string(REGEX REPLACE "proto$" "pb" stem ${proto})
  list(APPEND HARMONY_GENERATED ${stem}.cc ${stem}.h)
endforeach()
list(TRANSFORM HARMONY_GENERATED PREPEND ${HARMONY_GENERATED_DIR}/)

set(service_protos ${HARMONY_SERVICES})
list(TRANSFORM service_protos APPEND .proto)
set(harmony_sources ${HARMONY_PROTOS})
list(TRANSFORM harmony_sources PREPEND ${HARMONY_PROTO_DIR}/)
set(google_sources ${HARMONY_GOOGLE_PROTOS})
list(TRANSFORM google_sources PREPEND ${HARMONY_GOOGLEAPIS_DIR}/)

set(protoc protobuf::protoc -I ${HARMONY_PROTO_DIR} -I ${HARMONY_GOOGLEAPIS_DIR})
add_custom_command(
  OUTPUT ${HARMONY_GENERATED}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${HARMONY_GENERATED_DIR}
  COMMAND ${protoc} --cpp_out ${HARMONY_GENERATED_DIR} ${HARMONY_PROTOS} ${HARMONY_GOOGLE_PROTOS}
  COMMAND ${protoc} --grpc_out ${HARMONY_GENERATED_DIR}
          --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin> ${service_protos}
  DEPENDS ${harmony_sources} ${google_sources}
  VERBATIM
)
