//! Renders a prompt with a tool, then parses what a model might sample: `weather [HOST:PORT]`.

mod canned;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use harmony_sidecar_client::v1::harmony_service_client::HarmonyServiceClient;
use harmony_sidecar_client::v1::parse_event::Event;
use harmony_sidecar_client::v1::parse_request::Request;
use harmony_sidecar_client::v1::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Status, transport::Endpoint};
use tonic_types::StatusExt;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let Err(error) = run().await else { return };
    let status = Status::from_error(error);
    let info = status.get_details_error_info();
    let reason = info.map_or(String::new(), |info| info.reason);
    eprintln!("{:?} {reason}: {}", status.code(), status.message());
    std::process::exit(1);
}

async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let target = std::env::args().nth(1).unwrap_or("127.0.0.1:50051".into());
    let channel = Endpoint::new(format!("http://{target}"))?.connect().await?;
    let timed = |mut call: tonic::Request<()>| {
        call.set_timeout(Duration::from_secs(30)); // Without it, a call may never end.
        Ok(call)
    };
    let mut client = HarmonyServiceClient::with_interceptor(channel, timed);
    let encoding = client.get_encoding(GetEncodingRequest {}).await?;
    let stops = &encoding.get_ref().stop_tokens_for_assistant_actions;
    let prompt = client.render_conversation_for_completion(canned::prompt());
    let tokens = prompt.await?.into_inner().tokens;
    println!("The prompt has {} tokens.", tokens.len());
    for completion in canned::completions() {
        let sampled = client.encode(completion).await?.into_inner(); // In place of the engine.
        let (requests, stream) = mpsc::unbounded_channel();
        let send = |request| {
            let request = Some(request);
            // Fails if the server has ended the stream; `message` returns the reason.
            _ = requests.send(ParseRequest { request });
        };
        let role = Some(Role::Assistant.into());
        let config = ParseConfig {
            role,
            ..Default::default()
        };
        // Sent before the call, which returns at the server's first response.
        send(Request::Config(config));
        let responses = client.parse(UnboundedReceiverStream::new(stream)).await?;
        let mut responses = responses.into_inner();
        show(responses.message().await?);
        for id in sampled.tokens {
            send(Request::Tokens(TokenIds { tokens: vec![id] }));
            show(responses.message().await?);
            if stops.contains(&id) {
                break;
            }
        }
        drop(requests); // The half-close.
        show(responses.message().await?);
        responses.trailers().await?; // Fails if the stream did not end with OK.
    }
    Ok(())
}

fn show(response: Option<ParseResponse>) {
    for event in response.unwrap_or_default().events {
        match event.event {
            Some(Event::Started(header)) => print!("{} {}> ", header.channel(), header.recipient()),
            Some(Event::Delta(delta)) => print!("{}", delta.text),
            Some(Event::Completed(_)) => println!(),
            _ => {}
        }
    }
    _ = stdout().flush();
}
