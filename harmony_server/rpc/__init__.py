"""Serves over gRPC: handlers, open streams, health, reflection, authentication, statuses."""
