"""Pure decisions: settings, profiles, offers and what is refused.

Only the standard library, pydantic and ``sandlot_contracts`` may be imported here.
No tornado, traitlets, Kubernetes, SQL, HTTP, environment, file system or clock:
``now`` is a parameter. A refusal is a value (`Refused`), never an exception; each
transport wraps it once at its rim.

Each package stands on those after it, and import-linter holds them to that:
``checks``, ``dask``, ``pods``, ``offers``, ``choices``, ``capacity``, ``settings``, ``values``.
"""
