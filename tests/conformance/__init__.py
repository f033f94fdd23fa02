"""The conformance kit: vectors that any client or server can play, and how they are made."""
