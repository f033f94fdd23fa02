use std::error::Error;

use harmony_sidecar_client::v1::harmony_service_client::HarmonyServiceClient;
use prost::Message;
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

use crate::exchange::{self, DEADLINE, Received, RequestStream};
use crate::json::Json;

/// One call, as its vector describes it.
pub struct Call<'a> {
    pub json: &'a Json,
    pub rpc: &'a str,
    pub requests: &'a [Value],
}

/// What came back, in JSON. `error` is null where the call ended with OK.
pub struct Outcome {
    pub responses: Vec<Value>,
    pub error: Value,
}

impl Call<'_> {
    pub async fn play(
        &self,
        client: HarmonyServiceClient<Channel>,
    ) -> Result<Outcome, Box<dyn Error>> {
        // tonic itself watches the deadline of a stream only until the stream begins.
        tokio::time::timeout(DEADLINE, self.dispatch(client)).await?
    }

    async fn dispatch(
        &self,
        mut client: HarmonyServiceClient<Channel>,
    ) -> Result<Outcome, Box<dyn Error>> {
        match self.rpc {
            "GetEncoding" => self.unary(async |it| client.get_encoding(it).await).await,
            "GetRenderCacheStatistics" => {
                self.unary(async |it| client.get_render_cache_statistics(it).await)
                    .await
            }
            "Render" => self.unary(async |it| client.render(it).await).await,
            "RenderConversation" => {
                self.unary(async |it| client.render_conversation(it).await)
                    .await
            }
            "RenderConversationForCompletion" => {
                self.unary(async |it| client.render_conversation_for_completion(it).await)
                    .await
            }
            "RenderConversationForTraining" => {
                self.unary(async |it| client.render_conversation_for_training(it).await)
                    .await
            }
            "ParseMessages" => self.unary(async |it| client.parse_messages(it).await).await,
            "Encode" => self.unary(async |it| client.encode(it).await).await,
            "Decode" => self.unary(async |it| client.decode(it).await).await,
            "Parse" => self.bidi(async |it| client.parse(it).await).await,
            "ParseBatch" => self.bidi(async |it| client.parse_batch(it).await).await,
            _ => Err(format!("unknown rpc {}", self.rpc).into()),
        }
    }

    async fn unary<Q: Message + Default, R: Message>(
        &self,
        call: impl AsyncFnOnce(Request<Q>) -> Result<Response<R>, Status>,
    ) -> Result<Outcome, Box<dyn Error>> {
        let [request] = self.requests else {
            return Err("a unary RPC has exactly one request".into());
        };
        self.outcome(exchange::unary(self.request(request)?, call).await)
    }

    async fn bidi<Q: Message + Default, R: Message>(
        &self,
        call: impl AsyncFnOnce(Request<RequestStream<Q>>) -> Result<Response<Streaming<R>>, Status>,
    ) -> Result<Outcome, Box<dyn Error>> {
        let requests = self.requests.iter().map(|it| self.request(it));
        self.outcome(exchange::bidi(requests.collect::<Result<_, _>>()?, call).await)
    }

    fn request<Q: Message + Default>(&self, value: &Value) -> Result<Q, Box<dyn Error>> {
        self.json
            .parse(&format!("harmony.v1.{}Request", self.rpc), value)
    }

    fn outcome(&self, received: Received<impl Message>) -> Result<Outcome, Box<dyn Error>> {
        let name = format!("harmony.v1.{}Response", self.rpc);
        let responses = received
            .responses
            .iter()
            .map(|it| self.json.print(&name, it));
        let error = received.error.map(|status| self.error(&status));
        Ok(Outcome {
            responses: responses.collect::<Result<_, _>>()?,
            error: error.transpose()?.unwrap_or_default(),
        })
    }

    /// Returns the google.rpc.Status of an error; of one without details, its code.
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
