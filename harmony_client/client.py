"""The client for code that blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import grpc

from harmony_client import _codec, _openai_codec
from harmony_client._answer_sessions import AnswerBatchSession, AnswerSession
from harmony_client._answer_streams import AnswerBatch, AnswerStream
from harmony_client._attribution import (
    AttributedRender,
    AttributedResponse,
    Continuation,
    read_attributed,
    read_continuation,
)
from harmony_client._channel import CHANNEL_OPTIONS, DEFAULT_TIMEOUT
from harmony_client._sessions import BatchSession, ParseSession, Session
from harmony_client._streams import Batch, Exchange, ParseStream, Responses
from harmony_client._watchdog import Watchdog
from harmony_client.errors import from_grpc
from harmony_client.openai.v1 import openai_pb2
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import Any, Self

    from harmony_client.v1 import chat_pb2, constraint_pb2

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class Client:
    """A connection to a harmony sidecar; safe to share between threads.

        with Client("127.0.0.1:50051") as client:
            tokens = client.render_conversation_for_completion([user("What is 2 + 2?")])

    The client connects with its first call. To release the connection, close
    the client or use it as a context manager.

    Every method takes `timeout`: the seconds that this call, or each step of
    this stream, may take. None: the client's timeout. If a call fails, the
    method raises a subclass of `RpcError`, such as `InvalidArgument` if the
    server refuses the input, or `DeadlineExceeded` if no response comes in
    time.
    """

    def __init__(
        self,
        target: str,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        wait_for_ready: bool = True,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Iterable[tuple[str, str | bytes]] = (),
        options: Iterable[tuple[str, str | int]] = (),
    ) -> None:
        """Prepares a connection, without connecting yet.

        Args:
            target: `host:port`, `unix:///path`, or another name that gRPC
                resolves, such as `dns:///name:port`.
            timeout: Seconds that a call may take.
            wait_for_ready: If no server is running yet, whether a call waits
                for one within its timeout or raises `Unavailable` at once.
            credentials: Credentials for TLS. None: the connection is not
                encrypted.
            metadata: Pairs of a lower-case key and a value, sent with every
                call.
            options: gRPC channel options in addition to the client's own, such
                as `("grpc.service_config", "{...}")`.
        """
        self._timeout = timeout
        self._wait_for_ready = wait_for_ready
        self._metadata = tuple(metadata)
        all_options = [*CHANNEL_OPTIONS, *options]
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options=all_options)
        else:
            self._channel = grpc.secure_channel(target, credentials, options=all_options)
        self._stub = HarmonyServiceStub(self._channel)
        self._openai_stub = OpenAIServiceStub(self._channel)
        self._watchdog = Watchdog()

    def close(self) -> None:
        """Closes the connection; calls in progress raise `Cancelled`."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def get_encoding(self, *, timeout: float | None = None) -> service_pb2.GetEncodingResponse:
        """Returns the encoding's limits, its stop and special tokens, and the server's version."""
        return self._call(self._stub.GetEncoding, service_pb2.GetEncodingRequest(), timeout)

    def get_render_cache_statistics(
        self, *, timeout: float | None = None
    ) -> service_pb2.GetRenderCacheStatisticsResponse:
        """Returns the size of the server's render cache, and its hits and misses."""
        request = service_pb2.GetRenderCacheStatisticsRequest()
        return self._call(self._stub.GetRenderCacheStatistics, request, timeout)

    def render(
        self,
        message: chat_pb2.Message,
        *,
        conversation_has_function_tools: bool = False,
        timeout: float | None = None,
    ) -> list[int]:
        """Returns the tokens of one message.

        With `conversation_has_function_tools`, a system message says which
        channel function calls go to.
        """
        request = _codec.render_request(message, conversation_has_function_tools)
        return list(self._call(self._stub.Render, request, timeout).tokens)

    def render_conversation(
        self,
        conversation: _codec.Conversation,
        *,
        auto_drop_analysis: bool = True,
        analysis: _codec.AnalysisRule | None = None,
        timeout: float | None = None,
    ) -> list[int]:
        """Returns the tokens of a conversation, with nothing after it.

        With `auto_drop_analysis`, if the last assistant message is on channel
        `final`, the analysis before the first message on `final` is left out.

        `analysis` is a rule to use instead: keep, current_turn (leave out the
        analysis before the last answer that precedes the last user message) or
        none (leave out all analysis).

        Raises ValueError for an unknown rule, or for one with
        `auto_drop_analysis=False`.
        """
        request = _codec.render_conversation_request(conversation, auto_drop_analysis, analysis)
        return list(self._call(self._stub.RenderConversation, request, timeout).tokens)

    def render_conversation_for_completion(
        self,
        conversation: _codec.Conversation,
        next_turn_role: _codec.Role = "assistant",
        *,
        auto_drop_analysis: bool = True,
        analysis: _codec.AnalysisRule | None = None,
        timeout: float | None = None,
    ) -> list[int]:
        """Returns the prompt to sample from: the conversation and the start of the next message.

        Raises ValueError for an unknown role, and as `render_conversation`.
        """
        request = _codec.render_conversation_for_completion_request(
            conversation, next_turn_role, auto_drop_analysis, analysis
        )
        return list(self._call(self._stub.RenderConversationForCompletion, request, timeout).tokens)

    def render_conversation_for_training(
        self,
        conversation: _codec.Conversation,
        *,
        auto_drop_analysis: bool = True,
        analysis: _codec.AnalysisRule | None = None,
        timeout: float | None = None,
    ) -> list[int]:
        """Returns the tokens of a conversation to train on.

        If the last message is the assistant's on channel `final`, its last
        token is `<|return|>`.

        Raises ValueError as `render_conversation`.
        """
        request = _codec.render_conversation_for_training_request(
            conversation, auto_drop_analysis, analysis
        )
        return list(self._call(self._stub.RenderConversationForTraining, request, timeout).tokens)

    def build_sampling_constraint(
        self,
        conversation: _codec.Conversation,
        format: _codec.ConstraintFormat,  # noqa: A002  # the name of the request's field
        *,
        tool_choice: _codec.ToolChoiceMode | None = None,
        allowed_recipients: Iterable[str] = (),
        response_schema: Mapping[str, Any] | str | None = None,
        options: constraint_pb2.SamplingConstraintOptions | None = None,
        timeout: float | None = None,
    ) -> service_pb2.BuildSamplingConstraintResponse:
        """Builds what keeps a sampler from writing malformed harmony.

            constraint = client.build_sampling_constraint(
                conversation, "llguidance_lark", tool_choice="required"
            )
            params = SamplingParams(guided_grammar=constraint.grammar)

        Args:
            conversation: The conversation that the prompt is rendered from. Only
                its tools count: keep the response for all its turns.
            format: The format that the engine reads: "xgrammar_ebnf",
                "xgrammar_structural_tag", "llguidance_lark", "llama_gbnf" or
                "token_automaton".
            tool_choice: "auto", "none" or "required". None: that of `options`.
            allowed_recipients: The recipients that may be called, such as
                `functions.get_weather`. Empty: all.
            response_schema: The JSON Schema of the answer, as JSON text or in
                Python values. None: that of `options`.
            options: Everything else. The arguments above win over it.
            timeout: Seconds that the call may take.

        Raises ValueError for an unknown format or tool choice.
        """
        request = _codec.build_sampling_constraint_request(
            conversation, format, tool_choice, allowed_recipients, response_schema, options
        )
        return self._call(self._stub.BuildSamplingConstraint, request, timeout)

    def render_attributed(
        self,
        conversation: _codec.Conversation,
        purpose: _codec.RenderPurpose = "conversation",
        *,
        level: _codec.AttributionLevel = "parts",
        loss: service_pb2.LossPolicy | None = None,
        next_turn_role: _codec.Role = "assistant",
        auto_drop_analysis: bool = True,
        analysis: _codec.AnalysisRule | None = None,
        timeout: float | None = None,
    ) -> AttributedRender:
        """Renders a conversation, and says whose each token is.

        `purpose` says which render method it stands for: "conversation",
        "completion" (with `next_turn_role`) or "training". With the level
        "parts" there is a run for each part of each message; with "messages",
        one for each message.

        With `loss`, a policy for training, the result has a loss mask. A
        training render without `analysis="current_turn"` leaves out the
        reasoning of a single turn, as in the reference.

        Raises ValueError for an unknown purpose, level or role, for `loss`
        without the purpose "training", and as `render_conversation`.
        """
        request = _codec.build_attributed_render(
            conversation,
            purpose,
            level=level,
            loss=loss,
            next_turn_role=next_turn_role,
            auto_drop_analysis=auto_drop_analysis,
            analysis=analysis,
        )
        response: AttributedResponse
        if isinstance(request, service_pb2.RenderConversationForTrainingRequest):
            response = self._call(self._stub.RenderConversationForTraining, request, timeout)
        elif isinstance(request, service_pb2.RenderConversationForCompletionRequest):
            response = self._call(self._stub.RenderConversationForCompletion, request, timeout)
        else:
            response = self._call(self._stub.RenderConversation, request, timeout)
        return read_attributed(response, has_loss=loss is not None)

    def continue_sampled(
        self,
        sampled: Iterable[int],
        messages: Iterable[chat_pb2.Message],
        next_turn_role: _codec.Role = "assistant",
        *,
        role: _codec.Role | None = "assistant",
        conversation_has_function_tools: bool = False,
        level: _codec.AttributionLevel | None = None,
        drop_analysis: bool = False,
        keep_return: bool = False,
        timeout: float | None = None,
    ) -> Continuation:
        """Renders what follows sampled tokens; none of them is encoded again.

        The next prompt is `prompt + sampled[:kept] + tokens`. A `<|return|>` at
        the end becomes `<|end|>` unless `keep_return` is set; a message that was
        cut off inside its content gets an `<|end|>`.

        `sampled` may have more of the prompt before it. `role` is the role that
        the prompt ended with; None if the tokens begin with `<|start|>`. With
        `drop_analysis`, the result names the ranges that the rule current_turn
        leaves out; `sampled` must then be the whole prompt and what was sampled,
        with `role=None`.

        Raises ValueError for an unknown role or level.
        """
        request = _codec.render_continuation_request(
            sampled,
            messages,
            next_turn_role,
            role=role,
            conversation_has_function_tools=conversation_has_function_tools,
            level=level,
            drop_analysis=drop_analysis,
            keep_return=keep_return,
        )
        return read_continuation(self._call(self._stub.RenderContinuation, request, timeout))

    def parse_messages(
        self,
        tokens: Iterable[int],
        role: _codec.Role | None = "assistant",
        *,
        mode: _codec.ParseMode = "strict",
        max_header_tokens: int | None = None,
        callable_names: Iterable[str] = (),
        channels: Iterable[str] = (),
        prefill: Iterable[int] = (),
        timeout: float | None = None,
    ) -> _codec.ParsedCompletion:
        """Parses a whole completion.

        Args:
            tokens: The tokens that the model sampled, with the stop token if
                there was one.
            role: The role that the prompt ended with: the tokens begin inside
                its header. None: they begin with `<|start|>`.
            mode: What to do with malformed output:

                - "strict": raise `ParseFailed`.
                - "lenient": as "strict", except that a stop token may also end
                  a header; what follows the channel in that header becomes the
                  message's text.
                - "recover": repair it. No output is an error, no text is lost,
                  and `recovered` lists every repair.
            max_header_tokens: The most tokens that a header may have. None:
                the server's limit.
            callable_names: Names that can be called, such as
                `functions.get_weather`. With "recover" they are taken for
                recipients where a header does not say so.
            channels: Channels in addition to `analysis`, `commentary` and
                `final`, for "recover".
            prefill: The last tokens of the prompt, behind those that `role`
                stands for, if the completion continues them. Nothing of them
                is in the messages, and offsets count from the token behind
                them.
            timeout: Seconds that the call may take.

        Raises ValueError for an unknown role or mode, `ParseFailed` for
        malformed output, and `InvalidArgument` for a malformed prefill.
        """
        options = _codec.parse_options(mode, max_header_tokens, callable_names, channels)
        request = _codec.parse_messages_request(tokens, role, options, prefill)
        return _codec.read_parsed(self._call(self._stub.ParseMessages, request, timeout))

    def parse(
        self,
        tokens: Iterable[_codec.TokenOrRun],
        role: _codec.Role | None = "assistant",
        *,
        mode: _codec.ParseMode = "strict",
        max_header_tokens: int | None = None,
        callable_names: Iterable[str] = (),
        channels: Iterable[str] = (),
        prefill: Iterable[int] = (),
        delta_offsets: bool = False,
        replay: bool = False,
        timeout: float | None = None,
    ) -> Iterator[_codec.Event]:
        """Parses a completion as it is sampled, and yields each event as it happens.

            for event in client.parse(sampled):
                match event:
                    case ContentDelta(text=text):
                        print(text, end="")
                    case MessageCompleted(message=message):
                        handle(message)

        The events are the messages `MessageStarted`, `ContentDelta`,
        `MessageCompleted` and, with `mode="recover"`, `Recovered`.

        Args:
            tokens: Tokens, or runs of tokens. Each goes to the server in a
                request of its own, as soon as the iterable yields it.
            role: The role that the prompt ended with: the tokens begin inside
                its header. None: they begin with `<|start|>`.
            mode: As in `parse_messages`, except that with "recover" each repair
                is an event.
            max_header_tokens: The most tokens that a header may have. None:
                the server's limit.
            callable_names: As in `parse_messages`.
            channels: As in `parse_messages`.
            prefill: As in `parse_messages`. A message that it opens is
                reported as started with the first token, or with the end.
            delta_offsets: Whether each `ContentDelta` has `offsets`, the range
                of the tokens that its text comes from.
            replay: Whether to reconnect within the timeout if the connection
                breaks, without losing or repeating an event. To do so, the
                client keeps the tokens, 4 bytes each.
            timeout: Seconds until each token or run must be answered. The
                parse as a whole may take any time.

        Raises:
            ValueError: The role or mode is unknown.
            ParseFailed: The output is malformed. All events before the error
                have been yielded.
            InvalidArgument: The prefill is malformed.
            Unavailable: The connection broke, and `replay` is not set.
            RpcError: The call failed in another way.
        """
        with self.open_parse(
            role,
            mode=mode,
            max_header_tokens=max_header_tokens,
            callable_names=callable_names,
            channels=channels,
            prefill=prefill,
            delta_offsets=delta_offsets,
            replay=replay,
            timeout=timeout,
        ) as stream:
            for run in tokens:
                yield from stream.feed(_codec.as_run(run))
            yield from stream.finish()

    def open_parse(
        self,
        role: _codec.Role | None = "assistant",
        *,
        mode: _codec.ParseMode = "strict",
        max_header_tokens: int | None = None,
        callable_names: Iterable[str] = (),
        channels: Iterable[str] = (),
        prefill: Iterable[int] = (),
        delta_offsets: bool = False,
        replay: bool = False,
        timeout: float | None = None,
    ) -> ParseStream:
        """Opens a stream to push tokens into; takes the arguments of `parse`.

        Sends nothing before the first token. Raises ValueError for an unknown
        role or mode.
        """
        options = _codec.parse_options(
            mode, max_header_tokens, callable_names, channels, delta_offsets
        )
        config = _codec.parse_config(role, options, prefill)
        session = ParseSession(config, replay=replay)
        return ParseStream(self._exchange(self._stub.Parse, session, timeout), session)

    def batch(self, *, replay: bool = False, timeout: float | None = None) -> Batch:
        """Opens a stream for the many sequences that an inference engine steps together.

        Args:
            replay: Whether to reconnect within the timeout of the step if the
                connection breaks, without losing or repeating an event. To do
                so, the client keeps the tokens of open sequences, 4 bytes each.
            timeout: Seconds that each step may take.
        """
        session = BatchSession(replay=replay)
        return Batch(self._exchange(self._stub.ParseBatch, session, timeout), session)

    def encode(
        self,
        text: str,
        *,
        allowed_special: _codec.SpecialTokens = (),
        disallowed_special: _codec.SpecialTokens = "all",
        timeout: float | None = None,
    ) -> list[int]:
        """Returns the tokens of text.

        Special tokens in `allowed_special` are encoded as such where the text
        spells them. Text with one in `disallowed_special`, by default all that
        are not allowed, raises `InvalidArgument`. Spellings in neither are
        encoded as ordinary text.
        """
        request = _codec.encode_request(text, allowed_special, disallowed_special)
        return list(self._call(self._stub.Encode, request, timeout).tokens)

    def decode(
        self, tokens: Iterable[int], *, strict: bool = False, timeout: float | None = None
    ) -> str:
        """Returns the text of tokens.

        Invalid UTF-8 becomes U+FFFD or, with `strict`, raises
        `InvalidArgument`. So does a token that is not in the vocabulary, with
        or without `strict`.
        """
        request = _codec.decode_request(tokens, strict)
        return self._call(self._stub.Decode, request, timeout).text

    def decode_bytes(self, tokens: Iterable[int], *, timeout: float | None = None) -> bytes:
        """Returns the bytes of tokens."""
        request = _codec.decode_bytes_request(tokens)
        return self._call(self._stub.Decode, request, timeout).data

    def render_chat_completion(
        self,
        body: bytes,
        header: openai_pb2.AnswerHeader,
        *,
        policy: openai_pb2.RenderPolicy | None = None,
        timeout: float | None = None,
    ) -> openai_pb2.Prompt:
        """Returns the prompt for the body of a POST /v1/chat/completions.

        The server must serve the OpenAI layer (`--openai`); otherwise this and
        the four methods below raise `Unimplemented`. Their messages are in
        `harmony_client.openai`.

        Args:
            body: The body as the client sent it.
            header: The id, the time and the model's name of the answer.
            policy: How to render it. None: the defaults.
            timeout: Seconds that the call may take.

        If the body is at fault, `metadata` of the error has `http_status` and
        `openai_error_json` to answer the client with.
        """
        request = _openai_codec.render_chat_completion_request(body, header, policy)
        return self._call(self._openai_stub.RenderChatCompletion, request, timeout).prompt

    def render_model_response(
        self,
        body: bytes,
        header: openai_pb2.AnswerHeader,
        *,
        policy: openai_pb2.RenderPolicy | None = None,
        history: bytes | None = None,
        timeout: float | None = None,
    ) -> openai_pb2.RenderModelResponseResponse:
        """Returns the prompt, and the input to remember, for the body of a POST /v1/responses.

        `history` has the items that you remember for `previous_response_id` or
        `conversation` of the body, as a JSON array. The other arguments and the
        errors are as in `render_chat_completion`.
        """
        request = _openai_codec.render_model_response_request(body, header, policy, history)
        return self._call(self._openai_stub.RenderModelResponse, request, timeout)

    def build_answer(
        self,
        context: openai_pb2.AnswerContext,
        tokens: Iterable[int],
        *,
        ends: Mapping[int, _openai_codec.EndReason],
        choices: Iterable[int] = (),
        error_message: str | None = None,
        logprobs: openai_pb2.LogprobColumns | None = None,
        cached_prompt_tokens: int | None = None,
        timeout: float | None = None,
    ) -> openai_pb2.AnswerResult:
        """Returns the body of an answer whose tokens have all been sampled.

        The arguments are those of `AnswerStream.step`. Raises ValueError for an
        unknown reason of an end.
        """
        step = _openai_codec.answer_step(
            tokens, choices, ends, error_message, logprobs, cached_prompt_tokens
        )
        request = _openai_codec.build_answer_request(context, step)
        return self._call(self._openai_stub.BuildAnswer, request, timeout).result

    def stream_answer(
        self,
        context: openai_pb2.AnswerContext,
        *,
        framing: _openai_codec.Framing = "sse",
        timeout: float | None = None,
    ) -> AnswerStream:
        """Opens a stream that turns the tokens of one request into frames.

        Args:
            context: The context that came with the prompt.
            framing: sse, or lines for one JSON text per line.
            timeout: Seconds that each step may take.

        Raises ValueError for an unknown framing.
        """
        opening = _openai_codec.open_answer(context, framing)
        session = AnswerSession[openai_pb2.StreamAnswerRequest, openai_pb2.StreamAnswerResponse]()
        exchange = self._exchange(self._openai_stub.StreamAnswer, session, timeout)
        return AnswerStream(exchange, opening)

    def stream_answer_batch(self, *, timeout: float | None = None) -> AnswerBatch:
        """Opens a stream for the many requests that an inference engine steps together.

        `timeout` is the seconds that each step may take.
        """
        session = AnswerBatchSession()
        exchange = self._exchange(self._openai_stub.StreamAnswerBatch, session, timeout)
        return AnswerBatch(exchange, session)

    def _call(
        self,
        method: grpc.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        timeout: float | None,
    ) -> ResponseT:
        """Makes a unary call with the client's settings; raises the client's errors."""
        try:
            return method(
                request,
                timeout=self._timeout if timeout is None else timeout,
                metadata=self._metadata,
                wait_for_ready=self._wait_for_ready,
            )
        except grpc.RpcError as error:
            # grpcio raises the finished call itself.
            raise from_grpc(cast("grpc.Call", error)) from error

    def _exchange(
        self,
        method: grpc.StreamStreamMultiCallable[RequestT, ResponseT],
        session: Session[RequestT, ResponseT],
        timeout: float | None,
    ) -> Exchange[RequestT, ResponseT]:
        """Prepares a stream with the client's settings, without starting a call."""

        def start(requests: Iterator[RequestT]) -> Responses[ResponseT]:
            return method(requests, metadata=self._metadata, wait_for_ready=self._wait_for_ready)

        return Exchange(
            start, session, self._watchdog, self._timeout if timeout is None else timeout
        )
