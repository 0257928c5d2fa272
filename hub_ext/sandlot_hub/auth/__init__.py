"""Who somebody is: authenticators, which run in the hub.

Only classes that the hub instantiates from a string in its configuration may live
here. What somebody may use is not decided here but in `domain`, from the groups that
the hub knows.
"""
