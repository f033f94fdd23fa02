use std::path::PathBuf;

pub struct Arguments {
    pub target: String,
    pub ca: Option<PathBuf>,
    pub vectors: PathBuf,
}

impl Arguments {
    pub fn from_command_line(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let (mut target, mut ca, mut vectors) = (None, None, None);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--target" => target = Some(words.next()?),
                "--ca" => ca = Some(words.next()?.into()),
                _ if word.starts_with('-') || vectors.is_some() => return None,
                _ => vectors = Some(word.into()),
            }
        }
        Some(Self {
            target: target?,
            ca,
            vectors: vectors?,
        })
    }
}
