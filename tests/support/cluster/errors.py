"""What can keep the cluster from running, as sentences for the person who asked for it."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """The cluster cannot be built, started or used; the message says why and what to do."""


class CannotRunHereError(ClusterError):
    """This machine lacks something that the cluster needs: tests are skipped, and say so."""
