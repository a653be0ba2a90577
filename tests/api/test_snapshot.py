"""The OpenAPI document as it was published: no change of it goes unnoticed.

After a wanted change: ``AGENTOS_SNAPSHOT=write .venv/bin/python -m pytest tests/api/test_snapshot.py``
"""

import json
import os
from pathlib import Path

from agentos.api.app import api

SNAPSHOT = Path(__file__).with_name("openapi.json")


class TestSnapshot:
    def test_is_the_document(self) -> None:
        text = json.dumps(api.get_openapi_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        if os.environ.get("AGENTOS_SNAPSHOT") == "write":
            SNAPSHOT.write_text(text, encoding="utf-8")
        assert json.loads(text) == json.loads(SNAPSHOT.read_text(encoding="utf-8")), "The API has changed: see above how to keep that."
