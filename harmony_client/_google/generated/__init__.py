"""Generated from the .proto files of googleapis-common-protos; import `harmony_client._google`."""
