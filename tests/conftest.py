"""Settings of all tests."""

import signal

from hypothesis import HealthCheck, settings

# Started in the background by a shell, this process ignores Ctrl-C, and the programs that tests
# start and interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine decides no test: neither how long an example takes nor how long it takes to make.
settings.register_profile(
    "project", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("project")
