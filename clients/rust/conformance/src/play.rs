use std::error::Error;

use harmony_sidecar_client::openai::v1::open_ai_service_client::OpenAiServiceClient;
use harmony_sidecar_client::v1::harmony_service_client::HarmonyServiceClient;
use prost::Message;
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

use crate::exchange::{self, DEADLINE, Received, RequestStream};
use crate::json::Json;

/// A call of a vector.
pub struct Call<'a> {
    pub json: &'a Json,
    pub rpc: &'a str,
    pub requests: &'a [Value],
}

/// The outcome of a call, in JSON. `error` is null if the call ended with OK.
pub struct Outcome {
    pub responses: Vec<Value>,
    pub error: Value,
}

/// Calls a client's method for the RPC's name: prost has no reflection that would find it.
macro_rules! dispatch {
    ($call:expr, { $($client:expr, $package:literal: { $($rpc:literal => $kind:ident $method:ident,)* },)* }) => {
        match $call.rpc {
            $($($rpc => $call.$kind($package, async |request| $client.$method(request).await).await,)*)*
            rpc => Err(format!("no service has the RPC {rpc}").into()),
        }
    };
}

impl Call<'_> {
    pub async fn play(&self, channel: Channel) -> Result<Outcome, Box<dyn Error>> {
        // tonic watches the deadline of a stream only until the stream begins.
        tokio::time::timeout(DEADLINE, self.dispatch(channel)).await?
    }

    async fn dispatch(&self, channel: Channel) -> Result<Outcome, Box<dyn Error>> {
        let mut harmony = HarmonyServiceClient::new(channel.clone());
        let mut openai = OpenAiServiceClient::new(channel);
        dispatch!(self, {
            harmony, "harmony.v1": {
            "GetEncoding" => unary get_encoding,
            "GetRenderCacheStatistics" => unary get_render_cache_statistics,
            "Render" => unary render,
            "RenderConversation" => unary render_conversation,
            "RenderConversationForCompletion" => unary render_conversation_for_completion,
            "RenderConversationForTraining" => unary render_conversation_for_training,
            "RenderContinuation" => unary render_continuation,
            "BuildSamplingConstraint" => unary build_sampling_constraint,
            "ParseMessages" => unary parse_messages,
            "Encode" => unary encode,
            "Decode" => unary decode,
            "Parse" => bidi parse,
            "ParseBatch" => bidi parse_batch,
            },
            openai, "harmony.openai.v1": {
                "RenderChatCompletion" => unary render_chat_completion,
                "RenderModelResponse" => unary render_model_response,
                "BuildAnswer" => unary build_answer,
                "StreamAnswer" => bidi stream_answer,
                "StreamAnswerBatch" => bidi stream_answer_batch,
            },
        })
    }

    async fn unary<Q: Message + Default, R: Message>(
        &self,
        package: &str,
        call: impl AsyncFnOnce(Request<Q>) -> Result<Response<R>, Status>,
    ) -> Result<Outcome, Box<dyn Error>> {
        let [request] = self.requests else {
            return Err("a unary RPC needs exactly one request".into());
        };
        let request = self.request(package, request)?;
        self.outcome(package, exchange::unary(request, call).await)
    }

    async fn bidi<Q: Message + Default, R: Message>(
        &self,
        package: &str,
        call: impl AsyncFnOnce(Request<RequestStream<Q>>) -> Result<Response<Streaming<R>>, Status>,
    ) -> Result<Outcome, Box<dyn Error>> {
        let requests = self
            .requests
            .iter()
            .map(|request| self.request(package, request));
        let requests = requests.collect::<Result<_, _>>()?;
        self.outcome(package, exchange::bidi(requests, call).await)
    }

    fn request<Q: Message + Default>(
        &self,
        package: &str,
        value: &Value,
    ) -> Result<Q, Box<dyn Error>> {
        self.json
            .parse(&format!("{package}.{}Request", self.rpc), value)
    }

    fn outcome(
        &self,
        package: &str,
        received: Received<impl Message>,
    ) -> Result<Outcome, Box<dyn Error>> {
        let name = format!("{package}.{}Response", self.rpc);
        let responses = received
            .responses
            .iter()
            .map(|response| self.json.print(&name, response));
        let error = received.error.map(|status| self.error(&status));
        Ok(Outcome {
            responses: responses.collect::<Result<_, _>>()?,
            error: error.transpose()?.unwrap_or_default(),
        })
    }

    /// Returns the google.rpc.Status of an error; if it has no details, only the code.
    fn error(&self, status: &Status) -> Result<Value, Box<dyn Error>> {
        let code = status.code() as i32;
        if status.details().is_empty() {
            return Ok(json!({ "code": code }));
        }
        let error = self.json.decode("google.rpc.Status", status.details())?;
        if error["code"] != code {
            return Err(format!("the gRPC status has code {code}, its details: {error}").into());
        }
        Ok(error)
    }
}
