"""The HTTP service in front of a bench host, and its client. Loopback only."""
