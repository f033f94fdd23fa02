//! A protoc plugin that writes the same code as tonic's build script: the messages of prost, followed
//! by the client of tonic.

use std::error::Error;
use std::io::{Read, Write, stdin, stdout};

use prost::Message;
use prost_build::{Config, Module};
use prost_types::compiler::code_generator_response::{Feature, File};
use prost_types::compiler::{CodeGeneratorRequest, CodeGeneratorResponse};

fn main() -> Result<(), Box<dyn Error>> {
    let mut input = Vec::new();
    stdin().read_to_end(&mut input)?;
    let request = CodeGeneratorRequest::decode(input.as_slice())?;
    stdout().write_all(&generate(request)?.encode_to_vec())?;
    Ok(())
}

fn generate(request: CodeGeneratorRequest) -> Result<CodeGeneratorResponse, Box<dyn Error>> {
    let modules: Vec<_> = request
        .proto_file
        .into_iter()
        .filter(|file| {
            request
                .file_to_generate
                .iter()
                .any(|name| name == file.name())
        })
        .map(|file| (Module::from_protobuf_package_name(file.package()), file))
        .collect();
    let client = tonic_prost_build::configure().build_server(false);
    let code = Config::new()
        .extern_path(".google.rpc", "::tonic_types::pb")
        .service_generator(client.service_generator())
        .generate(modules)?;
    let file = |(module, content): (Module, String)| File {
        name: Some(module.to_file_name_or("_")),
        content: Some(content),
        ..File::default()
    };
    Ok(CodeGeneratorResponse {
        file: code.into_iter().map(file).collect(),
        supported_features: Some(Feature::Proto3Optional as u64),
        ..CodeGeneratorResponse::default()
    })
}
