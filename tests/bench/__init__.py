"""Benches: speed is measured here and asserted nowhere else.

A bench prints one JSON line a measure (see `harness.Measure`). Absolute times stand
beside a floor or a peer that was measured in the same run; the peer is the unmodified
published package. Nothing here may patch the code that it measures; a named mutation
(`--mutate`) slows the path from outside, so that each bench can be seen to fail.
"""
