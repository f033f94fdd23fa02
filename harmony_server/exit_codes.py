"""The exit codes of `harmony-server serve`; 2, wrong settings, is the command line's."""

OK = 0
# An address in use, a damaged vocabulary, a certificate that cannot be read.
CANNOT_START = 1
