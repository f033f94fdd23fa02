"""Converts between the contract's protobuf and core values, and describes each RPC."""
