"""The rim: everything that talks to something outside, behind the protocols of the domain.

What reads a file, a socket, a database, an API or a clock lives here, converts what it
finds into the domain's types, and converts foreign exceptions once, chained. No policy,
no HTTP handlers, no hub configuration; nothing from `spawner`, `services`, `auth` or `local`.
"""
