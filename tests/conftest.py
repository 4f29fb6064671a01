"""Settings of all tests."""

from hypothesis import HealthCheck, settings

# A busy machine decides no test: neither how long an example takes nor how long it takes to make.
settings.register_profile(
    "project", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("project")
