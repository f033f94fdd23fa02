"""A mixed load on one server: each RPC with its share, each answer checked, some streams cancelled.

The expected answers come from the same service in this process.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import grpc
import pytest

from devtools import material, requests
from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2
from harmony_server.rpc.statuses import code_of
from harmony_server.service.batch_stream import BatchStream
from harmony_server.service.parse_stream import ParseStream
from harmony_server.service.unary import HarmonyService
from tests.support.messages import user
from tests.support.operations import operations

SERVICE = "/harmony.v1.HarmonyService/"
_TIMEOUT_SECONDS = 60
# RPCs in progress at a time.
_CALLERS = 8
_CANCELLED_SHARE = 0.1
# Output without structure, as models write it: text, then a header without a start.
_MALFORMED = [13225, 2375, 200005, 17196, 200008, 13225, 200008, 2375]
_NO_TOKEN = 300_000

# The channel gets its own connection.
CHANNEL_OPTIONS = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(frozen=True)
class _Exchange:
    """A stream's requests, the expected answers, and the status with which it ends."""

    method: str
    requests: Sequence[bytes]
    answers: Sequence[bytes]
    code: grpc.StatusCode = grpc.StatusCode.OK


class MixedLoad:
    """Callers that make RPCs over one channel.

    Attributes:
        done: How many RPCs were made.
        cancelled: How many of them were streams that were cancelled.
    """

    def __init__(self, channel: grpc.aio.Channel, seed: int = 0) -> None:
        self.done = 0
        self.cancelled = 0
        self._channel = channel
        self._rng = random.Random(seed)
        self._operations = operations()
        self._service = HarmonyService(self._operations)
        self._conversations = [
            material.to_proto(material.conversation(seed, 2)) for seed in range(8)
        ]
        self._completions = [material.completion(seed, 120) for seed in range(8)]
        self._exchanges = [*self._parses(), *self._batches()]
        # The number of entries is the share.
        self._kinds: list[Callable[[], Awaitable[None]]] = [
            *[self._render_known] * 3,
            *[self._render_new] * 3,
            *[self._parse_messages] * 2,
            *[self._recover_messages] * 1,
            *[self._encode_and_decode] * 2,
            *[self._fail] * 2,
            *[self._stream] * 7,
        ]

    async def run(self, count: int) -> None:
        """Makes `count` more RPCs.

        Raises:
            AssertionError: An answer is wrong.
        """
        await self._run(count, lambda: self._rng.choice(self._kinds)())

    async def cancel_streams(self, count: int) -> None:
        """Opens `count` streams and cancels each."""
        await self._run(count, lambda: self._stream(cancelled_share=1))

    async def _run(self, count: int, make: Callable[[], Awaitable[None]]) -> None:
        end = self.done + count

        async def call() -> None:
            while self.done < end:
                self.done += 1
                await make()

        await asyncio.gather(*(call() for _ in range(_CALLERS)))

    async def _ask(self, method: str, request: bytes) -> bytes:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            SERVICE + method
        )
        return await call(request, timeout=_TIMEOUT_SECONDS)

    async def _render_known(self) -> None:
        await self._render(self._rng.choice(self._conversations))

    async def _render_new(self) -> None:
        conversation = chat_pb2.Conversation()
        conversation.CopyFrom(self._rng.choice(self._conversations))
        words = self._rng.choices(("rain", "Oslo", "雨", "and", "why"), k=self._rng.randrange(200))
        conversation.messages.append(user(f"{self._rng.getrandbits(64)} {' '.join(words)}"))
        await self._render(conversation)

    async def _render(self, conversation: chat_pb2.Conversation) -> None:
        request = service_pb2.RenderConversationForCompletionRequest(
            conversation=conversation, next_turn_role=chat_pb2.ROLE_ASSISTANT
        ).SerializeToString()
        expected = self._service.render_conversation_for_completion(request).do()
        assert await self._ask("RenderConversationForCompletion", request) == expected

    async def _parse_messages(self) -> None:
        await self._parse(self._rng.choice(self._completions), parse_pb2.ParseOptions())

    async def _recover_messages(self) -> None:
        broken = self._rng.sample(self._rng.choice(self._completions), 60) + _MALFORMED
        await self._parse(broken, parse_pb2.ParseOptions(recover=True))

    async def _parse(self, tokens: Sequence[int], options: parse_pb2.ParseOptions) -> None:
        request = service_pb2.ParseMessagesRequest(
            tokens=tokens, role=chat_pb2.ROLE_ASSISTANT, options=options
        )
        data = request.SerializeToString()
        assert await self._ask("ParseMessages", data) == self._service.parse_messages(data).do()

    async def _encode_and_decode(self) -> None:
        text = f"{self._rng.getrandbits(200)} 雨 and rain"
        answer = await self._ask("Encode", service_pb2.EncodeRequest(text=text).SerializeToString())
        tokens = service_pb2.EncodeResponse.FromString(answer).tokens
        request = service_pb2.DecodeRequest(tokens=tokens).SerializeToString()
        answer = await self._ask("Decode", request)
        assert service_pb2.DecodeResponse.FromString(answer).text == text

    async def _fail(self) -> None:
        method, request = self._rng.choice(
            (
                ("Decode", service_pb2.DecodeRequest(tokens=[_NO_TOKEN])),
                ("Encode", service_pb2.EncodeRequest(text="<|start|>")),
                ("ParseMessages", service_pb2.ParseMessagesRequest(tokens=_MALFORMED)),
                ("Render", service_pb2.RenderRequest()),
            )
        )
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await self._ask(method, request.SerializeToString())
        assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    async def _stream(self, cancelled_share: float = _CANCELLED_SHARE) -> None:
        exchange = self._rng.choice(self._exchanges)
        cancel_at = len(exchange.requests) + 1
        if self._rng.random() < cancelled_share:
            self.cancelled += 1
            cancel_at = self._rng.randrange(len(exchange.requests))
        call: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = self._channel.stream_stream(
            SERVICE + exchange.method
        )
        stream = call(timeout=_TIMEOUT_SECONDS)
        for index, request in enumerate(exchange.requests):
            await stream.write(request)
            if index == cancel_at:
                # The answer may be on its way.
                stream.cancel()
                return
            assert await stream.read() == exchange.answers[index]
        if exchange.code is grpc.StatusCode.OK:
            await stream.done_writing()
            last = await stream.read()
            assert last == exchange.answers[-1], (exchange.method, last, exchange.answers[-1])
        assert await stream.code() is exchange.code

    def _parses(self) -> list[_Exchange]:
        def exchange(
            completion: Sequence[int], size: int, options: parse_pb2.ParseOptions | None = None
        ) -> _Exchange:
            config = parse_pb2.ParseConfig(role=chat_pb2.ROLE_ASSISTANT, options=options)
            sent = [parse_pb2.ParseRequest(config=config)] + [
                parse_pb2.ParseRequest(
                    tokens=parse_pb2.TokenIds(tokens=completion[begin : begin + size])
                )
                for begin in range(0, len(completion), size)
            ]
            stream = ParseStream(self._operations)
            data = [request.SerializeToString() for request in sent]
            answers = [stream.answer(request) for request in data]
            if stream.failure:
                return _Exchange("Parse", data, answers, code_of(stream.failure))
            return _Exchange("Parse", data, [*answers, stream.finish()])

        recovering = parse_pb2.ParseOptions(recover=True)
        return [
            *(exchange(completion, 8) for completion in self._completions),
            *(exchange(completion[:30], 1) for completion in self._completions),
            exchange(_MALFORMED, 1, recovering),
            exchange(_MALFORMED, len(_MALFORMED)),
        ]

    def _batches(self) -> list[_Exchange]:
        exchanges = []
        for seed in range(12):
            script = requests.batch_script(
                self._completions, open_count=16, stepping=16, steps=20, seed=seed
            )
            data = [*script.opening, *script.steps]
            stream = BatchStream(self._operations)
            answers = [stream.answer(request) for request in data]
            last = stream.finish()
            stream.close()
            # Error details hold a map, whose order differs between processes.
            if b"ErrorInfo" not in last:
                exchanges.append(_Exchange("ParseBatch", data, [*answers, last]))
        return exchanges
