//! Prompts a model that has a tool and shows what it samples, as it samples it. The sampled tokens
//! are canned, everything else is real: `cargo run --example weather [HOST:PORT]`.

mod requests;

use std::io::{Write, stdout};
use std::process::ExitCode;

use harmony_sidecar_client::v1::harmony_service_client::HarmonyServiceClient;
use harmony_sidecar_client::v1::parse_event::Event;
use harmony_sidecar_client::v1::{GetEncodingRequest, ParseResponse};
use requests::timed;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt;

type Client = HarmonyServiceClient<Channel>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let target = std::env::args().nth(1);
    let Err(status) = run(target.as_deref().unwrap_or("127.0.0.1:50051")).await else {
        return ExitCode::SUCCESS;
    };
    let info = status.get_details_error_info();
    let reason = info.map_or(String::new(), |it| it.reason);
    eprintln!("{:?} {reason}: {}", status.code(), status.message());
    ExitCode::FAILURE
}

async fn run(target: &str) -> Result<(), Status> {
    let client = Client::connect(format!("http://{target}")).await;
    let mut client = client.map_err(|error| Status::from_error(error.into()))?;
    let encoding = client.get_encoding(timed(GetEncodingRequest {})).await?;
    let stops = &encoding.get_ref().stop_tokens_for_assistant_actions;
    let prompt = timed(requests::prompt());
    let prompt = client.render_conversation_for_completion(prompt).await?;
    println!("The prompt has {} tokens.", prompt.get_ref().tokens.len());
    for completion in requests::COMPLETIONS {
        complete(&mut client, completion, stops).await?;
    }
    Ok(())
}

/// Sends the tokens of a completion one by one, and shows each answer before the next is sent.
async fn complete(client: &mut Client, completion: &str, stops: &[u32]) -> Result<(), Status> {
    let sampled = client.encode(timed(requests::encode(completion))).await?;
    let (requests, stream) = mpsc::unbounded_channel();
    // Sent before the call, which returns when the server first answers.
    _ = requests.send(requests::assistant_turn());
    let stream = timed(UnboundedReceiverStream::new(stream));
    let mut responses = client.parse(stream).await?.into_inner();
    show(responses.message().await?);
    for token in sampled.into_inner().tokens {
        // Fails where the server has ended the stream; its response says why.
        _ = requests.send(requests::next(token));
        show(responses.message().await?);
        if stops.contains(&token) {
            break;
        }
    }
    drop(requests); // The half-close.
    show(responses.message().await?);
    responses.trailers().await?; // Fails where the stream did not end with OK.
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
