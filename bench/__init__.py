"""Measures the performance claims of this project; `python -m bench` writes bench/RESULTS.md."""
