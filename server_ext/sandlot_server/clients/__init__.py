"""Clients of the hub's services: HTTP, timeouts, and the server's own token in a header.

Nothing of a server's state lives here. Every failure becomes a `ProblemError` here and
nowhere else, chained, and none of them shows the token.
"""
