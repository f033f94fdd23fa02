"""Makes the vectors; `python -m tests.conformance.generator --help` tells how."""
