"""Hub services: one process per privilege, each behind the proxy, on one application factory.

Here live the parts that every service shares: `app` (routes to an application), `access` and
`auth` (who may call what), `handlers`, `pages` and `bodies` (how a request is read and answered),
`errors` (RFC 9457), `health`, `metrics`, `logs` and `process` (how a service starts and ends).
Each service is a sub-package with its own ``__main__``. What stays out: decisions (they belong to
the domain), talking to the hub or the supervisor (adapters), and imports between services.
"""
