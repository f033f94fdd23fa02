"""Renders over gRPC that say whose each token is, and which tokens carry loss."""

from collections.abc import Iterator

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_client import Client, InvalidArgument, LossPolicy, TokenRun
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server import core
from harmony_server.contract import from_core
from harmony_server.training import LossPolicy as CorePolicy
from harmony_server.training import TrainedMessages, TrainedTokens, loss_mask
from tests.strategies.turns import TWO_TURNS, call, conversations, result, said, user
from tests.support.encodings import encoding, tokens_of

_ANALYSIS = st.sampled_from(["keep", "current_turn", None])
_KEEP = core.RenderConversationConfig(analysis=core.AnalysisRule.KEEP)


@pytest.fixture(scope="module")
def client(server_address: str) -> Iterator[Client]:
    """A client of the session's server."""
    with Client(server_address) as opened:
        yield opened


def _config(analysis: str | None) -> core.RenderConversationConfig:
    rule = core.AnalysisRule(analysis) if analysis else None
    return core.RenderConversationConfig(analysis=rule)


def _expected(rendered: core.Rendered) -> list[TokenRun]:
    return [TokenRun(*run) for run in rendered]  # type: ignore[arg-type]


@given(conversations(), _ANALYSIS)
def test_runs_are_the_cores(
    client: Client, conversation: core.Conversation, analysis: str | None
) -> None:
    """Each render, new or cached, has the runs that the core gives it, at both levels."""
    proto = from_core.convert_conversation(conversation)
    for purpose, options in (
        ("conversation", {}),
        ("completion", {"next_turn_role": core.Role.ASSISTANT}),
        ("training", {"for_training": True}),
    ):
        expected = encoding().render_conversation_attributed(
            conversation,
            _config(analysis),
            **options,
        )
        parts = client.render_attributed(proto, purpose, analysis=analysis)  # type: ignore[arg-type]
        assert parts.tokens == expected.tokens
        assert parts.runs == _expected(expected)
        assert parts.loss_mask is None
        messages = client.render_attributed(
            proto,
            purpose,  # type: ignore[arg-type]
            level="messages",
            analysis=analysis,
        )
        assert [(run.begin, run.end, run.message) for run in messages.runs] == [
            (*span, index)
            for index in range(len(conversation.messages) + 1)
            if (span := expected.message_range(index))
        ]


@given(
    conversations(),
    _ANALYSIS,
    st.sampled_from([rule for rule in TrainedMessages if rule is not TrainedMessages.CHOSEN]),
    st.sampled_from(TrainedTokens),
    st.sampled_from([(), ("final",), ("final", "analysis")]),
    st.booleans(),
)
def test_loss_is_that_of_the_mask(
    client: Client,
    conversation: core.Conversation,
    analysis: str | None,
    messages: TrainedMessages,
    tokens: TrainedTokens,
    channels: tuple[str, ...],
    calls: bool,
) -> None:
    """A policy over gRPC gives the mask that `harmony_server.training` gives."""
    rendered = encoding().render_conversation_attributed(
        conversation, _config(analysis), for_training=True
    )
    policy = CorePolicy(messages, tokens, frozenset(channels) or None, calls)
    found = client.render_attributed(
        from_core.convert_conversation(conversation),
        "training",
        analysis=analysis,
        loss=LossPolicy(
            messages=f"TRAINED_MESSAGES_{messages.name}",
            tokens=f"TRAINED_TOKENS_{tokens.name}",
            channels=channels,
            leave_out_calls=not calls,
        ),
    )
    assert found.tokens == rendered.tokens
    assert found.loss_mask == loss_mask(conversation.messages, rendered, policy)


def test_a_single_message(stub: HarmonyServiceStub) -> None:
    """A lone message has the index 0 and the runs of its parts."""
    request = service_pb2.RenderRequest(
        message=from_core.convert_message(call("{}")),
        attribution=service_pb2.ATTRIBUTION_PARTS,
    )
    runs = stub.Render(request).runs
    assert list(runs.lengths) == [1, 1, 4, 3, 3, 1, 1, 1]
    assert set(runs.messages) == {0}
    assert [service_pb2.TokenPart.Name(part) for part in runs.parts][2:5] == [
        "TOKEN_PART_RECIPIENT",
        "TOKEN_PART_CHANNEL",
        "TOKEN_PART_CONTENT_TYPE",
    ]
    request.attribution = service_pb2.ATTRIBUTION_MESSAGES
    runs = stub.Render(request).runs
    assert (list(runs.lengths), list(runs.messages), list(runs.parts)) == ([15], [0], [])


def test_who_does_not_ask_gets_no_runs(stub: HarmonyServiceStub) -> None:
    """Without an attribution or a policy, a response has the tokens alone."""
    request = service_pb2.RenderConversationForTrainingRequest(
        conversation=from_core.convert_conversation(TWO_TURNS)
    )
    response = stub.RenderConversationForTraining(request)
    assert not response.HasField("runs")
    assert not response.loss_runs


def test_chosen_messages(client: Client) -> None:
    """Chosen messages carry loss."""
    policy = LossPolicy(messages="TRAINED_MESSAGES_CHOSEN", chosen=[5])
    found = client.render_attributed(
        from_core.convert_conversation(TWO_TURNS), "training", analysis="keep", loss=policy
    )
    assert found.loss_mask is not None
    trained = [token for token, loss in zip(found.tokens, found.loss_mask, strict=True) if loss]
    assert encoding().decode(trained).endswith("{}<|call|>")


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (LossPolicy(messages="TRAINED_MESSAGES_CHOSEN", chosen=[0]), "loss.chosen"),
        (LossPolicy(messages="TRAINED_MESSAGES_CHOSEN", chosen=[99]), "loss.chosen"),
        (LossPolicy(messages="TRAINED_MESSAGES_CHOSEN", chosen=[5, 4]), "loss.chosen"),
        (LossPolicy(chosen=[5]), "loss.chosen"),
        (LossPolicy(messages=77), "loss.messages"),  # type: ignore[arg-type]
        (LossPolicy(tokens=77), "loss.tokens"),  # type: ignore[arg-type]
    ],
)
def test_bad_policies(client: Client, policy: LossPolicy, field: str) -> None:
    """A policy that does not fit names its field."""
    with pytest.raises(InvalidArgument) as caught:
        client.render_attributed(from_core.convert_conversation(TWO_TURNS), "training", loss=policy)
    assert [violation.field for violation in caught.value.field_violations] == [field]


@pytest.mark.parametrize(
    "request_type",
    [
        service_pb2.RenderConversationRequest,
        service_pb2.RenderConversationForCompletionRequest,
        service_pb2.RenderConversationForTrainingRequest,
    ],
)
def test_an_unknown_attribution(stub: HarmonyServiceStub, request_type: type) -> None:
    """An attribution that does not exist is an error of its field."""
    request = request_type(conversation=from_core.convert_conversation(TWO_TURNS), attribution=77)
    if "next_turn_role" in request_type.DESCRIPTOR.fields_by_name:  # type: ignore[attr-defined]
        request.next_turn_role = 2
    call_rpc = getattr(stub, request_type.__name__.removesuffix("Request"))
    with pytest.raises(grpc.RpcError) as caught:
        call_rpc(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "attribution" in str(caught.value.details())


@given(conversations(), st.lists(st.sampled_from([user("Go"), result("r")]), max_size=2))
def test_continuations_are_the_cores(
    client: Client, conversation: core.Conversation, new: list[core.Message]
) -> None:
    """A continuation has the tokens, runs and cuts that the core gives it."""
    sampled = encoding().render_conversation_for_training(conversation, _KEEP)
    protos = [from_core.convert_message(message) for message in new]
    for drops in (False, True):
        problem = None
        try:
            expected = encoding().continue_sampled(
                sampled, new, core.Role.ASSISTANT, drop_analysis=drops
            )
        except core.RenderError as error:
            problem = error
        if problem is not None:
            with pytest.raises(InvalidArgument) as caught:
                client.continue_sampled(sampled, protos, role=None, drop_analysis=drops)
            violations = caught.value.field_violations
            assert [violation.field for violation in violations] == [problem.field]
            continue
        found = client.continue_sampled(
            sampled, protos, role=None, drop_analysis=drops, level="parts"
        )
        assert (found.kept, found.tokens, found.closed) == (
            expected.kept,
            expected.tokens,
            expected.closed,
        )
        assert [(cut.begin, cut.end) for cut in found.cuts] == expected.cuts
        moved = int(found.closed)
        assert [
            run._replace(begin=run.begin - moved, end=run.end - moved) for run in found.runs
        ] == [TokenRun(*run) for run in expected.runs]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"drop_analysis": True, "role": "assistant"}, "drop_analysis"),
        ({"drop_analysis": True, "role": None, "keep_return": True}, "drop_analysis"),
        ({"role": "assistant"}, "sampled"),
    ],
)
def test_continuations_that_are_refused(
    client: Client, options: dict[str, object], field: str
) -> None:
    """Options that exclude each other, and tokens that end inside a header, are errors."""
    with pytest.raises(InvalidArgument) as caught:
        client.continue_sampled(tokens_of("<|channel|>final"), [], **options)  # type: ignore[arg-type]
    assert [violation.field for violation in caught.value.field_violations] == [field]


def test_a_bad_new_message_names_its_place(client: Client) -> None:
    """A message that cannot be rendered is named by its index in the request."""
    broken = core.Message.from_role_and_content(core.Role.TOOL, "x")
    protos = [from_core.convert_message(message) for message in (said("final", "a"), broken)]
    with pytest.raises(InvalidArgument) as caught:
        client.continue_sampled(tokens_of("<|message|>a"), protos)
    assert [violation.field for violation in caught.value.field_violations] == [
        "messages[1].author.name"
    ]
