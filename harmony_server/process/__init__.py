"""One serving process: start, drain, stop, sockets, TLS files, tokens and memory."""
