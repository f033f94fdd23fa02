"""One process that serves: start, drain and stop, its sockets, secrets and memory."""
