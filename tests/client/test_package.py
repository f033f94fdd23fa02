"""The package's public names, and what it imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

import harmony_client

EXPORTED = """
    AnalysisRule AnswerBatch AnswerStream AsyncAnswerBatch AsyncAnswerStream AsyncBatch
    AsyncClient AsyncParseStream AttributedRender Author Batch BatchEvent BatchStep
    BuildSamplingConstraintResponse BuiltinTool Cancelled ChannelConfig Client ConstraintFormat
    ConstraintLevel ConstraintNotice ConstraintNoticeReason Content ContentDelta Continuation
    Conversation DeadlineExceeded DeveloperContent FailedPrecondition FieldViolation
    GetEncodingResponse HarmonyClientError HeaderForms Internal InvalidArgument LossPolicy
    Message MessageCompleted MessageOffsets MessageOutcome MessageStarted OpenedAnswer
    ParseFailed ParseMode ParseStream ParsedCompletion PermissionDenied ReasoningEffort
    ReasoningMode Recovered RecoveryReason ResourceExhausted ResponseFormat Role RpcError
    SamplingConstraintOptions SystemContent TextContent TokenAutomaton TokenPart TokenRange
    TokenRun ToolChoice ToolChoiceMode ToolDescription ToolNamespaceConfig TrainedMessages
    TrainedTokens Unauthenticated Unavailable Unimplemented
    assistant developer function namespace response_format system tool user
"""

# Makes googleapis-common-protos look as if it were not installed.
HIDE_GOOGLE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name in ("google.api", "google.rpc"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hide())
"""


def run(code: str) -> str:
    """Runs code in an interpreter of its own; returns what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_exported_names() -> None:
    """The public names do not change by accident."""
    assert sorted(harmony_client.__all__) == sorted(EXPORTED.split())
    assert all(hasattr(harmony_client, name) for name in harmony_client.__all__)


def test_imports_grpc_and_protobuf_alone() -> None:
    """The client imports grpcio and protobuf, and no other package."""
    # `google` is a namespace that several distributions share, so its parts count one by one.
    names = (
        "\nprint(*{'.'.join(name.split('.')[: 1 + name.startswith('google.')])"
        " for name in sys.modules})"
    )
    needed = run(HIDE_GOOGLE + "import grpc.aio, google.protobuf.any_pb2" + names).split()
    imported = run(HIDE_GOOGLE + "import harmony_client" + names).split()
    others = set(imported) - set(needed) - set(sys.stdlib_module_names)
    assert others == {"harmony_client"}


def test_own_google_messages_where_the_package_is_missing() -> None:
    """Without googleapis-common-protos, the generated copies are used."""
    printed = run(
        HIDE_GOOGLE + "import harmony_client\n"
        "from harmony_client import _google\n"
        "from harmony_client.v1 import parse_pb2\n"
        "status = _google.status_pb2.Status(code=3)\n"
        "print(type(status).__module__, parse_pb2.SequenceEvent(error=status).error.code)"
    )
    assert printed.split() == ["harmony_client._google.generated.status_pb2", "3"]


@pytest.mark.parametrize(
    "imports",
    [
        "import harmony_client, google.rpc.status_pb2, google.api.annotations_pb2",
        "import google.rpc.status_pb2, google.api.annotations_pb2, harmony_client",
    ],
)
def test_one_definition_where_the_package_is_installed(imports: str) -> None:
    """With googleapis-common-protos, its modules are used, in either order of import."""
    printed = run(
        f"{imports}\n"
        "from harmony_client import _google\n"
        "print(_google.status_pb2 is google.rpc.status_pb2,\n"
        "      _google.annotations_pb2 is google.api.annotations_pb2)"
    )
    assert printed.split() == ["True", "True"]
