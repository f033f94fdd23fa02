"""Calls that the reference can answer: each method returns the vector of one call."""

from collections.abc import Iterable

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse
from harmony_client.v1 import service_pb2 as pb

from .analysis import without_dropped
from .contract import failure, invalid_field, run
from .reference import VOCABULARY_SIZE, Reference
from .sequence import Sequence, proto_of
from .vector import Vector

ASSISTANT = parse.ParseConfig(role=chat.ROLE_ASSISTANT)
NO_ROLE = parse.ParseConfig()


class Calls:
    """Makes vectors with the reference's results."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference

    def tokens(self, text: str) -> list[int]:
        """Returns the tokens of a text in which special tokens are spelled out."""
        return self.reference.tokens(text)

    def render(
        self, name: str, message: chat.Message, options: pb.RenderOptions | None = None
    ) -> Vector:
        """Returns the vector that renders one message."""
        with_tools = options.conversation_has_function_tools if options else False
        tokens = self.reference.render(message, with_function_tools=with_tools)
        return Vector(
            f"render/{name}",
            [pb.RenderRequest(message=message, options=options)],
            [pb.RenderResponse(tokens=tokens)],
        )

    def render_conversation(
        self,
        name: str,
        conversation: chat.Conversation,
        config: pb.RenderConversationConfig | None = None,
    ) -> Vector:
        """Returns the vector that renders a conversation."""
        tokens = self.reference.render_conversation(
            _left(conversation, config), auto_drop_analysis=_drops(config)
        )
        return Vector(
            f"render_conversation/{name}",
            [pb.RenderConversationRequest(conversation=conversation, config=config)],
            [pb.RenderConversationResponse(tokens=tokens)],
        )

    def render_for_completion(
        self,
        name: str,
        conversation: chat.Conversation,
        role: "chat.Role" = chat.ROLE_ASSISTANT,
        config: pb.RenderConversationConfig | None = None,
    ) -> Vector:
        """Returns the vector that renders a prompt."""
        tokens = self.reference.render_for_completion(
            _left(conversation, config), role, auto_drop_analysis=_drops(config)
        )
        request = pb.RenderConversationForCompletionRequest(
            conversation=conversation, next_turn_role=role, config=config
        )
        return Vector(
            f"render_conversation_for_completion/{name}",
            [request],
            [pb.RenderConversationForCompletionResponse(tokens=tokens)],
        )

    def render_for_training(
        self,
        name: str,
        conversation: chat.Conversation,
        config: pb.RenderConversationConfig | None = None,
    ) -> Vector:
        """Returns the vector that renders a training example."""
        tokens = self.reference.render_conversation(
            _left(conversation, config), auto_drop_analysis=_drops(config), training=True
        )
        return Vector(
            f"render_conversation_for_training/{name}",
            [pb.RenderConversationForTrainingRequest(conversation=conversation, config=config)],
            [pb.RenderConversationForTrainingResponse(tokens=tokens)],
        )

    def parse_messages(
        self, name: str, completion: str | list[int], config: parse.ParseConfig = ASSISTANT
    ) -> Vector:
        """Returns the vector that parses a whole completion, or fails where the reference fails."""
        tokens = self._tokens(completion)
        request = pb.ParseMessagesRequest(tokens=tokens)
        if config.HasField("role"):
            request.role = config.role
        if config.HasField("options"):
            request.options.CopyFrom(config.options)
        request.prefill.extend(config.prefill)
        sequence = Sequence(self.reference, config)
        vector = f"parse_messages/{name}"
        if sequence.refused is not None:
            return Vector(vector, [request], error=invalid_field(f"prefill[{sequence.refused}]"))
        events = [*sequence.feed(tokens), *sequence.finish()]
        if sequence.error is not None:
            return Vector(vector, [request], error=sequence.error)
        completed = [event.completed for event in events if event.HasField("completed")]
        messages = [message_completed.message for message_completed in completed]
        if not config.prefill and all(token < VOCABULARY_SIZE for token in tokens):
            role = config.role if config.HasField("role") else None
            strict = config.options.strict if config.options.HasField("strict") else True
            parsed = self.reference.parse(tokens, role, strict=strict)
            assert messages == [proto_of(message) for message in parsed]
        response = pb.ParseMessagesResponse(messages=messages)
        for one in completed:
            stop_token = one.stop_token if one.HasField("stop_token") else None
            response.outcomes.add(offsets=one.offsets, stop_token=stop_token)
        return Vector(vector, [request], [response])

    def parse(
        self,
        name: str,
        chunks: Iterable[str | list[int]],
        config: parse.ParseConfig = ASSISTANT,
    ) -> Vector:
        """Returns the vector that parses a sequence, one request per chunk."""
        runs = [self._tokens(chunk) for chunk in chunks]
        requests = [parse.ParseRequest(config=config)]
        responses = [parse.ParseResponse()]
        sequence = Sequence(self.reference, config)
        if sequence.refused is not None:
            error = invalid_field(f"config.prefill[{sequence.refused}]")
            return Vector(f"parse/{name}", requests, error=error)
        for tokens in runs:
            requests.append(run(tokens))
            responses.append(parse.ParseResponse(events=sequence.feed(tokens)))
            if sequence.error is not None:
                assert len(requests) == len(runs) + 1, "requests after the error"
                break
        else:
            responses.append(parse.ParseResponse(events=sequence.finish()))
        return Vector(f"parse/{name}", requests, responses, sequence.error)

    def encode(
        self,
        name: str,
        text: str,
        allowed: pb.SpecialTokenSet | None = None,
        disallowed: pb.SpecialTokenSet | None = None,
    ) -> Vector:
        """Returns the vector that encodes a text."""
        request = pb.EncodeRequest(
            text=text, allowed_special=allowed, disallowed_special=disallowed
        )
        vector = f"encode/{name}"
        try:
            tokens = self.reference.encode(text, request.allowed_special, disallowed)
        except self.reference.error as error:
            spelling = self.reference.disallowed_spelling(error)
            metadata = {"special_token": spelling}
            status = failure("DISALLOWED_SPECIAL_TOKEN", field="text", metadata=metadata)
            return Vector(vector, [request], error=status)
        return Vector(vector, [request], [pb.EncodeResponse(tokens=tokens)])

    def decode(
        self, name: str, tokens: Iterable[int], *, strict: bool = False, as_bytes: bool = False
    ) -> Vector:
        """Returns the vector that decodes tokens."""
        request = pb.DecodeRequest(tokens=tokens, strict=strict, as_bytes=as_bytes)
        vector = f"decode/{name}"
        if as_bytes:
            data = self.reference.decode_bytes(request.tokens)
            return Vector(vector, [request], [pb.DecodeResponse(data=data)])
        try:
            text = self.reference.decode(request.tokens, strict=strict)
        except UnicodeDecodeError as error:
            metadata = {"byte": str(error.start)}
            status = failure("INVALID_UTF8", field="tokens", metadata=metadata)
            return Vector(vector, [request], error=status)
        return Vector(vector, [request], [pb.DecodeResponse(text=text)])

    def _tokens(self, completion: str | list[int]) -> list[int]:
        return self.tokens(completion) if isinstance(completion, str) else completion


def _left(
    conversation: chat.Conversation, config: pb.RenderConversationConfig | None
) -> chat.Conversation:
    return conversation if config is None else without_dropped(conversation, config.analysis)


def _drops(config: pb.RenderConversationConfig | None) -> bool:
    if config is not None and config.analysis:
        return False
    if config is None or not config.HasField("auto_drop_analysis"):
        return True
    return config.auto_drop_analysis
