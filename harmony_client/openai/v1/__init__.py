"""The generated messages and stubs of the package `harmony.openai.v1`."""
