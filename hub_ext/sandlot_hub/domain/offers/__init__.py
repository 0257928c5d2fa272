"""What is shown before anything is asked for: the judgement of ``choices`` on everything at once.

``visibility`` finds it, ``decision`` and ``profile_list`` say it to services and to the form.
"""
