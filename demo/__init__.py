"""A fictional city to look at: 云川市, its units, its people, two years of meetings. No name in it is a real unit's.

    names, departments   words            city   units, people, groups (pure, the same each time)
    worktime             office hours     meetings → answering   what was called together, and how the units took it (pure)
    making               puts it all into a database; accounts   who can sign in

Everything stands below the console script: nothing of the service imports this package.
"""
