#![doc = include_str!("../README.md")]

/// The messages of the package `harmony.v1`, and the client in [`harmony_service_client`].
///
/// [`harmony_service_client`]: v1::harmony_service_client
pub mod v1 {
    include!("generated/harmony.v1.rs");
}

pub mod openai {
    //! The OpenAI layer.

    /// The messages of the package `harmony.openai.v1`, and the client in
    /// [`open_ai_service_client`].
    ///
    /// [`open_ai_service_client`]: v1::open_ai_service_client
    pub mod v1 {
        include!("generated/harmony.openai.v1.rs");
    }
}
