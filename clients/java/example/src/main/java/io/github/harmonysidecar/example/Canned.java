package io.github.harmonysidecar.example;

import io.github.harmonysidecar.v1.*;

/** A conversation, and the completions that a model might sample. */
final class Canned {
  static final String CALL =
      "<|channel|>analysis<|message|>I need the weather.<|end|>"
          + "<|start|>assistant<|channel|>commentary to=functions.get_weather "
          + "<|constrain|>json<|message|>{\"city\":\"Oslo\"}<|call|>";
  static final String ANSWER = "<|channel|>final<|message|>It rains in Oslo.<|return|>";

  private static final String PARAMETERS =
      """
      {"type": "object", "properties": {"city": {"type": "string"}}}""";

  /** Returns a request for the prompt that follows a system, a developer and a user message. */
  static RenderConversationForCompletionRequest request() {
    var weather =
        ToolDescription.newBuilder()
            .setName("get_weather")
            .setDescription("Returns the weather in a city.")
            .setParametersJson(PARAMETERS);
    var functions = ToolNamespaceConfig.newBuilder().setName("functions").addTools(weather);
    var developer = DeveloperContent.newBuilder().setInstructions("Be brief.").addTools(functions);
    var question = TextContent.newBuilder().setText("What is the weather in Oslo?");
    var request = RenderConversationForCompletionRequest.newBuilder();
    request.setNextTurnRole(Role.ROLE_ASSISTANT);
    var conversation = request.getConversationBuilder();
    var low = SystemContent.newBuilder().setReasoningEffort(ReasoningEffort.REASONING_EFFORT_LOW);
    conversation
        .addMessages(message(Role.ROLE_SYSTEM, Content.newBuilder().setSystem(low)))
        .addMessages(message(Role.ROLE_DEVELOPER, Content.newBuilder().setDeveloper(developer)))
        .addMessages(message(Role.ROLE_USER, Content.newBuilder().setText(question)));
    return request.build();
  }

  private static Message.Builder message(Role role, Content.Builder content) {
    return Message.newBuilder().setAuthor(Author.newBuilder().setRole(role)).addContent(content);
  }
}
