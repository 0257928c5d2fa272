"""Wire types: what travels between processes, and nothing else.

Only pydantic models and constants may live here. No I/O, no policy, no imports
of other Sandlot packages: the hub, the services, the user's server and the
command line all depend on this package, and the TypeScript types and JSON
Schemas are generated from it.

``/api/v1`` only grows: a running server keeps the extension it was started with
across an upgrade of the hub, so fields are added with defaults and never removed.
"""
