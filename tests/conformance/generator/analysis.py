"""Which analysis a rule leaves in a conversation, stated apart from the server."""

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import service_pb2 as pb


def without_dropped(conversation: chat.Conversation, rule: pb.AnalysisRule) -> chat.Conversation:
    """Returns the conversation that a rule leaves; only the reference knows what no rule drops."""
    messages = conversation.messages
    past = 0
    if rule == pb.ANALYSIS_RULE_NONE:
        past = len(messages)
    elif rule == pb.ANALYSIS_RULE_CURRENT_TURN:
        users = [i for i, message in enumerate(messages) if message.author.role == chat.ROLE_USER]
        answers = [i for i, message in enumerate(messages) if _is_answer(message)]
        past = max([answer for answer in answers if users and answer < users[-1]], default=0)
    return chat.Conversation(
        messages=[
            message
            for index, message in enumerate(messages)
            if index >= past or message.channel != "analysis"
        ]
    )


def _is_answer(message: chat.Message) -> bool:
    return message.author.role == chat.ROLE_ASSISTANT and message.channel == "final"
