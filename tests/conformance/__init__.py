"""The conformance kit: vectors that any client or server can play, and their generator."""
