"""A server in several processes: the workers, which serve, and their supervisor."""
