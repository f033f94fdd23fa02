//! Prompts a model that has a tool and shows what it samples: `--example weather [HOST:PORT]`.

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
    let reason = info.map_or(String::new(), |it| it.reason);
    eprintln!("{:?} {reason}: {}", status.code(), status.message());
    std::process::exit(1);
}

async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let target = std::env::args().nth(1).unwrap_or("127.0.0.1:50051".into());
    let channel = Endpoint::new(format!("http://{target}"))?.connect().await?;
    let timed = |mut call: tonic::Request<()>| {
        call.set_timeout(Duration::from_secs(30)); // Without it, a call may last for ever.
        Ok(call)
    };
    let mut client = HarmonyServiceClient::with_interceptor(channel, timed);
    let encoding = client.get_encoding(GetEncodingRequest {}).await?;
    let stops = &encoding.get_ref().stop_tokens_for_assistant_actions;
    let prompt = client.render_conversation_for_completion(canned::prompt());
    let tokens = prompt.await?.into_inner().tokens;
    println!("The prompt has {} tokens.", tokens.len());
    for completion in canned::completions() {
        let sampled = client.encode(completion).await?.into_inner(); // Stands for the engine.
        let (requests, stream) = mpsc::unbounded_channel();
        let send = |request| {
            let request = Some(request);
            // Fails where the server has ended the stream; its response says why.
            _ = requests.send(ParseRequest { request });
        };
        let (role, options) = (Some(Role::Assistant.into()), None);
        // Sent before the call, which returns when the server first answers.
        send(Request::Config(ParseConfig { role, options }));
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
        responses.trailers().await?; // Fails where the stream did not end with OK.
    }
    Ok(())
}

fn show(response: Option<ParseResponse>) {
    for event in response.unwrap_or_default().events {
        match event.event {
            Some(Event::Started(it)) => print!("{} {}> ", it.channel(), it.recipient()),
            Some(Event::Delta(it)) => print!("{}", it.text),
            Some(Event::Completed(_)) => println!(),
            _ => {}
        }
    }
    _ = stdout().flush();
}
