"""Converts between the protobuf of the contract and core values; errors become statuses."""
