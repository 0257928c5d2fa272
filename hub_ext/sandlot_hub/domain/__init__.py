"""Pure decisions: settings, profiles, offers and what is refused.

Only the standard library, pydantic and ``sandlot_contracts`` may be imported here.
No tornado, traitlets, Kubernetes, SQL, HTTP, environment, file system or clock:
``now`` is a parameter. A refusal is a value (`Refused`), never an exception; each
transport wraps it once at its rim.

The road of a start: ``options`` (form and URL) and ``choice`` (anything at all) read
what was asked for, ``lookup`` finds the entries, ``viewpoint`` knows what is open and
on for one user, ``resolution`` decides. ``visibility`` and ``offers`` show the same
judgement before anything is asked for.

A server in a cluster: ``pod_plan`` says what the cluster is asked for, ``pod_manifest`` puts
that into an administrator's pod, ``pod_check`` looks at it once more, and ``pod_verdict``
judges how the start goes. They work on plain JSON documents.
"""
