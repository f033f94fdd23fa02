use harmony_sidecar_client::v1::content::Content as Kind;
use harmony_sidecar_client::v1::{
    Author, Content, Conversation, DeveloperContent, EncodeRequest, Message, ParseConfig,
    RenderConversationForCompletionRequest, Role, SpecialTokenSet, SystemContent, TextContent,
    ToolDescription, ToolNamespaceConfig,
};

/// Returns requests to encode what a model might sample: a call of the tool, then the answer after
/// its result.
pub fn completions() -> [EncodeRequest; 2] {
    let call = concat!(
        "<|channel|>analysis<|message|>The tool knows the weather.<|end|>",
        "<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json",
        r#"<|message|>{"city":"Oslo"}<|call|>"#,
    );
    let answer = "<|channel|>final<|message|>It rains in Oslo.<|return|>";
    [call, answer].map(|text| EncodeRequest {
        text: text.into(),
        allowed_special: Some(SpecialTokenSet {
            all: true,
            tokens: vec![],
        }),
        disallowed_special: None,
    })
}

/// Requests the prompt that follows a system, a developer and a user message.
pub fn prompt() -> RenderConversationForCompletionRequest {
    let get_weather = ToolDescription {
        name: "get_weather".into(),
        description: "Returns the weather in a city.".into(),
        parameters_json: Some(
            r#"{"type": "object", "properties": {"city": {"type": "string"}}}"#.into(),
        ),
    };
    let developer = DeveloperContent {
        instructions: Some("Be brief.".into()),
        tools: vec![ToolNamespaceConfig {
            name: "functions".into(),
            tools: vec![get_weather],
            ..Default::default()
        }],
        ..Default::default()
    };
    let question = TextContent {
        text: "What is the weather in Oslo?".into(),
    };
    RenderConversationForCompletionRequest {
        conversation: Some(Conversation {
            messages: vec![
                message(Role::System, Kind::System(SystemContent::default())),
                message(Role::Developer, Kind::Developer(developer)),
                message(Role::User, Kind::Text(question)),
            ],
        }),
        next_turn_role: Role::Assistant.into(),
        ..Default::default()
    }
}

fn message(role: Role, content: Kind) -> Message {
    Message {
        author: Some(Author {
            role: role.into(),
            name: None,
        }),
        content: vec![Content {
            content: Some(content),
        }],
        ..Default::default()
    }
}

/// The configuration of a parse of what the assistant samples.
pub fn config() -> ParseConfig {
    ParseConfig {
        role: Some(Role::Assistant.into()),
        ..Default::default()
    }
}
