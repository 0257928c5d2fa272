"""The embedded stack behind `sandlot up`: one supervisor of hub, proxy, services and servers.

Here live the processes of one machine: who they run as (`uids`), how they are started
and ended (`processes`, `guard`), what they may use (`limits`), the parts of the stack
(`parts`, `proxy`, `hub`), users' servers (`servers`), their environments (`images`) and
the unix socket through which the hub and the ``sandlot`` command ask for them
(`socket_api`).

What may be started is decided in `domain`; this package carries it out. Nothing here
imports the hub, its spawner, authenticator or services: they are other processes.
"""
