use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// The vectors of one RPC.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    pub rpc: String,
    pub vectors: Vec<Vector>,
}

/// One call and its expected outcome.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    pub name: String,
    pub requests: Vec<Value>,
    pub responses: Vec<Value>,
    /// The expected google.rpc.Status; None: the call must end with OK.
    pub error: Option<Value>,
    /// Keys of the responses that may have any value.
    #[serde(default)]
    pub ignore: Vec<String>,
}

/// Returns the vectors of a directory's `*.json` files, sorted by file name.
pub fn read_directory(directory: &Path) -> Result<Vec<VectorFile>, Box<dyn Error>> {
    let mut paths = fs::read_dir(directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<VectorFile, Box<dyn Error>> {
    let file = serde_json::from_slice(&fs::read(path)?);
    file.map_err(|error| format!("{}: {error}", path.display()).into())
}
