# Generated from google/api/annotations.proto as shipped in googleapis-common-protos 1.76.0.
# Copyright Google LLC. Licensed under the Apache License, Version 2.0.
from harmony_client._google.generated import http_pb2 as _http_pb2
from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
HTTP_FIELD_NUMBER: _ClassVar[int]
http: _descriptor.FieldDescriptor
