"""The floor: a gRPC server that does nothing, `python -m bench.floor_server`.

Like the real server, it reads requests and writes responses in a loop, with the same channel
options. The options are an argument, because importing them would load the real server's modules.
Every response is the same bytes, so its cost is that of gRPC alone.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence

import grpc

SERVICE_NAME = "harmony.bench.Floor"


async def _serve(answer: bytes, options: Sequence[tuple[str, int]]) -> None:
    async def unary(_request: bytes, _context: object) -> bytes:
        return answer

    async def stream(_requests: object, context: "grpc.aio.ServicerContext[object, bytes]") -> None:
        while await context.read() is not grpc.aio.EOF:
            await context.write(answer)

    methods: dict[str, grpc.RpcMethodHandler[object, bytes]] = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.stream_stream_rpc_method_handler(stream),
    }
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    _parser = argparse.ArgumentParser()
    _parser.add_argument("--answer-bytes", type=int, required=True)
    _parser.add_argument("--options", required=True, help="channel options, as JSON")
    _arguments = _parser.parse_args()
    _options = [(name, value) for name, value in json.loads(_arguments.options)]
    asyncio.run(_serve(bytes(_arguments.answer_bytes), _options))
