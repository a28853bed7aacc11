"""What tests share: given / when / then, a shop in memory, stored events made by hand, an emulated log.

The assertions of the scenarios say what differs, as those of the tests do.
"""

import pytest

pytest.register_assert_rewrite("tests.support.scenario", "tests.support.request_scenario")
