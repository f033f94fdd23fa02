"""What several suites share: real servers, calls of them, what they answered."""
