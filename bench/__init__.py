"""Measures what the documentation claims; `python -m bench` writes bench/RESULTS.md."""
