"""Implements each RPC, from the bytes of a request to those of the response, without gRPC."""
