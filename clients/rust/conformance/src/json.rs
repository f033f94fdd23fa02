use std::error::Error;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

/// Converts the client's messages to canonical JSON and back. The types of prost do not support
/// JSON, so the bytes pass through a dynamic message.
pub struct Json(DescriptorPool);

impl Json {
    pub fn new() -> Self {
        let descriptors = include_bytes!("descriptors.binpb");
        Self(
            DescriptorPool::decode(descriptors.as_slice())
                .expect("descriptors.binpb is a descriptor set"),
        )
    }

    pub fn parse<M: Message + Default>(
        &self,
        name: &str,
        value: &Value,
    ) -> Result<M, Box<dyn Error>> {
        let message = DynamicMessage::deserialize(self.descriptor(name)?, value)?;
        Ok(message.transcode_to()?)
    }

    pub fn print(&self, name: &str, message: &impl Message) -> Result<Value, Box<dyn Error>> {
        self.decode(name, &message.encode_to_vec())
    }

    pub fn decode(&self, name: &str, bytes: &[u8]) -> Result<Value, Box<dyn Error>> {
        let message = DynamicMessage::decode(self.descriptor(name)?, bytes)?;
        Ok(serde_json::to_value(message)?)
    }

    fn descriptor(&self, name: &str) -> Result<MessageDescriptor, String> {
        let descriptor = self.0.get_message_by_name(name);
        descriptor.ok_or_else(|| format!("unknown message {name}"))
    }
}
