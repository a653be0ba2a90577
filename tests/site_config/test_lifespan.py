"""What a server does once, when it starts."""

import gc

from agentos.agents import runtime
from site_config.lifespan import COLLECT_AT, warm_up


class TestWarmUp:
    def test_loads_agno_and_leaves_it_out_of_every_collection(self) -> None:
        before = gc.get_threshold()
        try:
            warm_up.__wrapped__()
            assert runtime.engine().ok
            assert gc.get_freeze_count() > 0
            assert gc.get_threshold() == COLLECT_AT
        finally:
            gc.unfreeze()
            gc.set_threshold(*before)
