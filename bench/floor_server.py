"""The floor: a gRPC server that does nothing, `python -m bench.floor_server --answer-bytes N`.

The same transport, options and read, answer, write loop as the real server; every answer is the
same N bytes. What it costs is what gRPC costs, whatever stands behind it.
"""

import argparse
import asyncio

import grpc

SERVICE_NAME = "harmony.bench.Floor"
# Those of the real server.
_CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
]


async def _serve(answer: bytes) -> None:
    async def unary(_request: bytes, _context: object) -> bytes:
        return answer

    async def stream(_requests: object, context: "grpc.aio.ServicerContext[object, bytes]") -> None:
        while await context.read() is not grpc.aio.EOF:
            await context.write(answer)

    methods: dict[str, grpc.RpcMethodHandler[object, bytes]] = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.stream_stream_rpc_method_handler(stream),
    }
    server = grpc.aio.server(options=_CHANNEL_OPTIONS)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    _parser = argparse.ArgumentParser()
    _parser.add_argument("--answer-bytes", type=int, required=True)
    asyncio.run(_serve(bytes(_parser.parse_args().answer_bytes)))
