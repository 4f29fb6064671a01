"""What holds for all tests."""

from hypothesis import settings

# A timing never decides a test: machines that run tests are busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
