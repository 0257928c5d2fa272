"""A server or a worker in a cluster: what is asked of the cluster, and how the start goes.

``plan`` says what the cluster is asked for, ``manifest`` puts that into an administrator's pod,
``check`` looks at it once more, and ``verdict`` judges the start. They work on plain JSON documents.
"""
