"""What there is to compute with, and what of it is free: counting, without judging for anybody.

``inventory`` counts a cluster from its nodes and pods, ``machine_gpus`` one machine. Both give the
`CapacityState` of the contracts; ``facilities`` is what decisions are made with.
"""
