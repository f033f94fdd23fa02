use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Request, Response, Status, Streaming};

pub const DEADLINE: Duration = Duration::from_secs(30);

pub type RequestStream<Q> = UnboundedReceiverStream<Q>;

/// The outcome of a call; without `error` it ended with OK.
pub struct Received<R> {
    pub responses: Vec<R>,
    pub error: Option<Status>,
}

pub async fn unary<Q, R>(
    request: Q,
    call: impl AsyncFnOnce(Request<Q>) -> Result<Response<R>, Status>,
) -> Received<R> {
    match call(with_deadline(request)).await {
        Ok(response) => Received {
            responses: vec![response.into_inner()],
            error: None,
        },
        Err(status) => Received {
            responses: vec![],
            error: Some(status),
        },
    }
}

pub async fn bidi<Q, R>(
    requests: Vec<Q>,
    call: impl AsyncFnOnce(Request<RequestStream<Q>>) -> Result<Response<Streaming<R>>, Status>,
) -> Received<R> {
    let mut responses = vec![];
    let ended = take_turns(requests, call, &mut responses).await;
    Received {
        responses,
        error: ended.err(),
    }
}

/// Writes and reads in turn, then half-closes and reads the rest.
async fn take_turns<Q, R>(
    requests: Vec<Q>,
    call: impl AsyncFnOnce(Request<RequestStream<Q>>) -> Result<Response<Streaming<R>>, Status>,
    responses: &mut Vec<R>,
) -> Result<(), Status> {
    let mut requests = requests.into_iter();
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut sender = Some(sender);
    let mut write = || match requests.next() {
        // Sending fails if the stream has ended; its status gives the reason.
        Some(request) => drop(sender.as_ref().map(|sender| sender.send(request))),
        None => sender = None,
    };
    // Sent before the call, which returns at the server's first response.
    write();
    let mut stream = call(with_deadline(RequestStream::new(receiver)))
        .await?
        .into_inner();
    while let Some(response) = stream.message().await? {
        responses.push(response);
        write();
    }
    Ok(())
}

fn with_deadline<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}
