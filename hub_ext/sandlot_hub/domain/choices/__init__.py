"""What one user asks for, and the judgement on it.

``options`` (form and URL) and ``choice`` (anything at all) read what was asked for, ``lookup``
finds the entries, ``viewpoint`` knows what is open and on for one user, ``resolution`` decides.
``alternatives`` finds what fits instead.
"""
