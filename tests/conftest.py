"""What holds for all tests."""

from hypothesis import settings

# No deadline: on a machine that others use too, how long an example takes says nothing about the code.
settings.register_profile("gitoma", deadline=None)
settings.load_profile("gitoma")
