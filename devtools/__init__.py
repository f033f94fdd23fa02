"""What tests, benchmarks and scripts share in this tree; nothing of it is installed."""
