"""What the reference does not have: parses with `recover`, their expectations written by hand."""
