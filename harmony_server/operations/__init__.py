"""Renders, parses, limits, counts and schedules in terms of the core, for any transport."""
