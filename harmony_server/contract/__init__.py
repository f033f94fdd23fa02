"""Protobuf to core values and back, and what the contract says of each RPC."""
