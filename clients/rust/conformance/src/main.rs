//! Plays the conformance vectors against a server, through the generated client.

mod arguments;
mod compare;
mod connect;
mod exchange;
mod json;
mod play;
mod vector;

use std::error::Error;
use std::process::ExitCode;

use arguments::Arguments;
use json::Json;
use play::Call;
use tonic::transport::Channel;
use vector::{Vector, VectorFile};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(arguments) = Arguments::from_command_line(std::env::args().skip(1)) else {
        eprintln!("usage: conformance --target TARGET [--ca FILE] VECTORS_DIRECTORY");
        return ExitCode::from(2);
    };
    match play_all(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Returns whether there were vectors and all of them passed.
async fn play_all(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let json = Json::new();
    let channel = connect::connect(&arguments.target, arguments.ca.as_deref()).await?;
    let (mut passed, mut failed) = (0, 0);
    for file in vector::read_directory(&arguments.vectors)? {
        let failures = play_file(&channel, &json, &file).await;
        let passes = file.vectors.len() - failures;
        println!("{}: {passes} passed, {failures} failed", file.rpc);
        passed += passes;
        failed += failures;
    }
    println!("total: {passed} passed, {failed} failed");
    Ok(passed > 0 && failed == 0)
}

/// Plays the vectors of a file; returns the number that failed.
async fn play_file(channel: &Channel, json: &Json, file: &VectorFile) -> usize {
    let mut failures = 0;
    for vector in &file.vectors {
        if let Err(error) = play_vector(channel, json, &file.rpc, vector).await {
            failures += 1;
            eprintln!("{}: {}", vector.name, with_causes(&*error));
        }
    }
    failures
}

async fn play_vector(
    channel: &Channel,
    json: &Json,
    rpc: &str,
    vector: &Vector,
) -> Result<(), Box<dyn Error>> {
    let call = Call {
        json,
        rpc,
        requests: &vector.requests,
    };
    let outcome = call.play(channel.clone()).await?;
    match compare::first_difference(vector, outcome) {
        None => Ok(()),
        Some(difference) => Err(difference.into()),
    }
}

/// Returns an error with its causes: on its own, it is often no more than "transport error".
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let added = format!(": {error}");
        if !text.ends_with(&added) {
            text += &added;
        }
        cause = error.source();
    }
    text
}
