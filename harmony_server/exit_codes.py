"""The exit codes of `harmony-server serve`, except 2 for wrong settings, which click returns."""

# Stopped by a signal.
OK = 0
# An address in use, an unreadable certificate, a damaged vocabulary and the like.
CANNOT_START = 1
