"""The generated messages and stubs of the package `harmony.v1`."""
