"""What a kubelet writes into a pod's status, as templates that kwok fills in.

Each function returns a Go template of a status; kwok merges it into the pod's.
"""

from __future__ import annotations

import json

BEGIN = "{{ $now := Now }}\n"


def waiting(reason: str, message: str) -> str:
    """Return the status of a pod whose containers cannot run yet, or not at all."""
    state = f"waiting: {{reason: {reason}, message: {_text(message)}}}"
    return BEGIN + _conditions(ready=False) + _containers(state) + "phase: Pending\n" + _started()


def running() -> str:
    """Return the status of a pod that answers."""
    state = "running: {startedAt: {{ $now | Quote }}}"
    init = "terminated: {exitCode: 0, reason: Completed, finishedAt: {{ $now | Quote }}}"
    return (
        BEGIN
        + _conditions(ready=True)
        + _containers(init, kind="initContainer")
        + _containers(state, ready=True)
        + _addresses()
        + "phase: Running\n"
    )


def restarting(code: str, reason: str) -> str:
    """Return the status of a pod whose container ended and waits for being restarted."""
    return BEGIN + _conditions(ready=False) + _back_off(code, reason) + "phase: Running\n"


def ended(code: str, reason: str) -> str:
    """Return the status of a pod whose container has ended by itself.

    A container that failed is restarted where the pod's restart policy says so, and the pod goes
    on; else the pod has failed, or succeeded.

    Parameters
    ----------
    code
        Expression of the template language for the exit code, as text.
    reason
        As the container runtime gives it; an empty one follows the code.
    """
    said = f'{{{{ $reason := "{reason}" }}}}'
    if not reason:
        said = '{{ $reason := "Error" }}{{ if eq $code "0" }}{{ $reason = "Completed" }}{{ end }}'
    return (
        BEGIN
        + f"{{{{ $code := {code} }}}}{said}\n"
        + _conditions(ready=False)
        + '{{ if and (ne .spec.restartPolicy "Never") (ne $code "0") }}\n'
        + _back_off("{{ $code }}", "{{ $reason }}")
        + "phase: Running\n{{ else }}\n"
        + _containers(_terminated("{{ $code }}", "{{ $reason }}"))
        + 'phase: {{ if eq $code "0" }}Succeeded{{ else }}Failed{{ end }}\n{{ end }}\n'
    )


def evicted(message: str) -> str:
    """Return the status of a pod that the kubelet ended for its node's sake."""
    disruption = (
        "- {type: DisruptionTarget, status: 'True', reason: TerminationByKubelet, "
        f"message: {_text(message)}, lastTransitionTime: {{{{ $now | Quote }}}}}}\n"
    )
    return (
        BEGIN
        + _conditions(ready=False)
        + disruption
        + _containers(_terminated("137", "Error"))
        + f"phase: Failed\nreason: Evicted\nmessage: {_text(message)}\n"
    )


def _conditions(*, ready: bool) -> str:
    value = "True" if ready else "False"
    lines = [
        f"- {{type: {kind}, status: '{status}', lastTransitionTime: {{{{ $now | Quote }}}}}}\n"
        for kind, status in (("Initialized", "True"), ("Ready", value), ("ContainersReady", value))
    ]
    return "conditions:\n" + "".join(lines)


def _containers(
    state: str, *, ready: bool = False, kind: str = "container", more: str = "", restarts: int = 0
) -> str:
    """Return the same state for every container."""
    written = "true" if ready or kind == "initContainer" else "false"
    return (
        f"{{{{ with .spec.{kind}s }}}}\n{kind}Statuses:\n"
        "{{ range . }}\n"
        "- name: {{ .name | Quote }}\n"
        "  image: {{ .image | Quote }}\n"
        "  imageID: ''\n"
        f"  ready: {written}\n"
        f"  restartCount: {restarts}\n"
        f"  state: {{{state}}}\n{more}"
        "{{ end }}\n{{ end }}\n"
    )


def _back_off(code: str, reason: str) -> str:
    message = "back-off 10s restarting failed container"
    waits = f"waiting: {{reason: CrashLoopBackOff, message: {_text(message)}}}"
    last = f"  lastState: {{{_terminated(code, reason)}}}\n"
    return _containers(waits, more=last, restarts=1)


def _terminated(code: str, reason: str) -> str:
    times = "startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}"
    return f"terminated: {{exitCode: {code}, reason: {reason}, {times}}}"


def _addresses() -> str:
    """Return the lines that give the pod an address of its own, which is local to the namespace."""
    owner = '(or .spec.hostNetwork false) (or .metadata.uid "")'
    named = '(or .metadata.name "") (or .metadata.namespace "")'
    return (
        "{{ with NodeIPsWith .spec.nodeName }}\nhostIP: {{ index . 0 | Quote }}\n"
        "hostIPs: [{ip: {{ index . 0 | Quote }}}]\n{{ end }}\n"
        f"{{{{ with PodIPsWith .spec.nodeName {owner} {named} }}}}\n"
        "podIP: {{ index . 0 | Quote }}\npodIPs: [{ip: {{ index . 0 | Quote }}}]\n{{ end }}\n"
    )


def _started() -> str:
    return "startTime: {{ or .status.startTime $now | Quote }}\n"


def _text(words: str) -> str:
    """Quote words for a flow of YAML; a template's braces would end it."""
    assert "{{" not in words
    return json.dumps(words)
