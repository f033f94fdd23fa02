"""gRPC: handlers, streams, health, reflection, authentication; reasons become statuses."""
