"""pytest plugin: nbval, whose imports take longer than most tests, is loaded when asked for."""

import os
import sys


def pytest_addoption(pluginmanager):
    """Called before pytest loads the plugins of installed packages."""
    asked = any(word.startswith("--nbval") for word in sys.argv)
    if not asked and "PYTEST_XDIST_WORKER" not in os.environ:  # whose words are not here
        pluginmanager.set_blocked("nbval")
