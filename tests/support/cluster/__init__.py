"""A real Kubernetes control plane for tests, with fake nodes and a proxy that injects faults.

What may live here: everything that makes the cluster, ends it and lets a test look at it. It knows
nothing of Sandlot's packages, so that it stays a referee: `tests/kube` brings the two together.

Built from the Go modules that `tools/go.mod` names, in one network namespace without a route to
anywhere else. docs/kubernetes-tests.md tells how to use it.
"""
