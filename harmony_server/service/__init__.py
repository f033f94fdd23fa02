"""What each RPC does: bytes in, bytes out."""
