use std::error::Error;
use std::path::Path;

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

/// Connects to `host:port` or `unix:///path`; over TLS if `ca` is set, trusting the CA in that file.
pub async fn connect(target: &str, ca: Option<&Path>) -> Result<Channel, Box<dyn Error>> {
    let endpoint = match ca {
        Some(ca) => {
            let ca = Certificate::from_pem(std::fs::read(ca)?);
            Endpoint::from_shared(format!("https://{target}"))?
                .tls_config(ClientTlsConfig::new().ca_certificate(ca))?
        }
        None if target.starts_with("unix:") => Endpoint::from_shared(target.to_owned())?,
        None => Endpoint::from_shared(format!("http://{target}"))?,
    };
    Ok(endpoint.connect().await?)
}
