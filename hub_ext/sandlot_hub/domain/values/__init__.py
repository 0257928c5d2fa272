"""What the other decisions are made of: names, units, quantities, refusals.

Nothing here knows the settings.
"""
