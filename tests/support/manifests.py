"""The manifest that KubeSpawner 7.1 makes of its options alone, as plain JSON."""

from __future__ import annotations

from typing import Any


def kubespawner_manifest(**spec: Any) -> dict[str, Any]:
    """Return the pod of KubeSpawner's defaults; `spec` adds to the pod's fields."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "jupyter-ann",
            "labels": {
                "app.kubernetes.io/component": "singleuser-server",
                "component": "singleuser-server",
                "hub.jupyter.org/servername": "",
                "hub.jupyter.org/username": "ann",
            },
            "annotations": {
                "hub.jupyter.org/jupyterhub-version": "6.1.1",
                "hub.jupyter.org/kubespawner-version": "7.1.0",
                "hub.jupyter.org/username": "ann",
            },
        },
        "spec": {
            "automountServiceAccountToken": False,
            "containers": [kubespawner_container()],
            "restartPolicy": "OnFailure",
            "volumes": [],
            **spec,
        },
    }


def kubespawner_container(**fields: Any) -> dict[str, Any]:
    """Return the container of the server."""
    return {
        "name": "notebook",
        "image": "quay.io/jupyterhub/singleuser:latest",
        "ports": [{"containerPort": 8888, "name": "notebook-port"}],
        "env": [{"name": "JUPYTERHUB_USER", "value": "ann"}],
        "resources": {"limits": {}, "requests": {}},
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": [],
        **fields,
    }


def as_the_chart_sets_it() -> dict[str, Any]:
    """Return a pod with the options that zero-to-jupyterhub sets."""
    return kubespawner_manifest(
        containers=[
            kubespawner_container(
                imagePullPolicy="Always",
                env=[
                    {"name": "JUPYTERHUB_USER", "value": "ann"},
                    {"name": "MEM", "value": "$(MEM_LIMIT)"},
                    {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
                resources={"limits": {"example.org/slots": 1}, "requests": {"memory": 1073741824}},
                securityContext={"allowPrivilegeEscalation": False, "runAsUser": 1000},
                volumeMounts=[{"name": "volume-ann", "mountPath": "/home/jovyan"}],
            ),
            {"name": "sidecar", "image": "example/side:1"},
        ],
        initContainers=[
            {
                "name": "block-cloud-metadata",
                "image": "quay.io/jupyterhub/k8s-network-tools:4",
                "securityContext": {"privileged": True, "runAsUser": 0},
            }
        ],
        nodeSelector={"hub.jupyter.org/node-purpose": "user"},
        tolerations=[{"key": "hub.jupyter.org/dedicated", "operator": "Equal", "value": "user"}],
        imagePullSecrets=[{"name": "registry"}],
        priorityClassName="theirs",
        securityContext={"fsGroup": 100},
        serviceAccountName="notebooks",
        automountServiceAccountToken=True,
        volumes=[{"name": "volume-ann", "persistentVolumeClaim": {"claimName": "claim-ann"}}],
    )
