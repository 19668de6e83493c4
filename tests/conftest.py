"""Settings of every test: property tests have no deadline, since how long an example takes says more of the machine's load than of the code."""

from hypothesis import settings

settings.register_profile("selfgrasp", deadline=None)
settings.load_profile("selfgrasp")
