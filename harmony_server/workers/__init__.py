"""Several processes that serve, and one that looks after them."""
