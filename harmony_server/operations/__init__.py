"""What the server does in terms of the core: render, parse, count, bound and schedule."""
