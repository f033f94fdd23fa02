use std::time::Duration;

use harmony_sidecar_client::v1::content::Content as Kind;
use harmony_sidecar_client::v1::parse_request;
use harmony_sidecar_client::v1::{
    Author, Content, Conversation, DeveloperContent, EncodeRequest, Message, ParseConfig,
    ParseRequest, RenderConversationForCompletionRequest, Role, SpecialTokenSet, SystemContent,
    TextContent, TokenIds, ToolDescription, ToolNamespaceConfig,
};
use tonic::Request;

/// What a model would sample: a call of the tool, then, prompted with its result, the answer.
pub const COMPLETIONS: [&str; 2] = [
    concat!(
        "<|channel|>analysis<|message|>The tool knows the weather.<|end|>",
        "<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json",
        r#"<|message|>{"city":"Oslo"}<|call|>"#,
    ),
    "<|channel|>final<|message|>It rains in Oslo.<|return|>",
];

pub fn prompt() -> RenderConversationForCompletionRequest {
    let get_weather = ToolDescription {
        name: "get_weather".into(),
        description: "Returns the weather.".into(),
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
        config: None,
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

pub fn encode(text: &str) -> EncodeRequest {
    EncodeRequest {
        text: text.into(),
        allowed_special: Some(SpecialTokenSet {
            all: true,
            tokens: vec![],
        }),
        disallowed_special: None,
    }
}

/// The first request of a Parse stream.
pub fn assistant_turn() -> ParseRequest {
    request(parse_request::Request::Config(ParseConfig {
        role: Some(Role::Assistant.into()),
        options: None,
    }))
}

/// Every later one: what a step of the engine sampled.
pub fn next(token: u32) -> ParseRequest {
    request(parse_request::Request::Tokens(TokenIds {
        tokens: vec![token],
    }))
}

fn request(request: parse_request::Request) -> ParseRequest {
    ParseRequest {
        request: Some(request),
    }
}

/// A request that must be answered, or a stream that must have ended, in time.
pub fn timed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_secs(30));
    request
}
