"""``webhooks send --watch`` in a process of its own: it goes on while others write, and two share the work."""

from __future__ import annotations

import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from pathlib import Path

import pytest
from helpers.receiver import receiving
from helpers.workspace import Workspace

from offerkit.governance.notices import Notice, OutboxState
from offerkit.store import Store, outbox

pytestmark = pytest.mark.slow
SECRET = "whsec_" + b64encode(bytes(32)).decode()
COUNT = 60


def test_two_watch_while_another_writes_for_long(
    live_shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFERKIT_WEBHOOK_SECRET_HUB", SECRET)
    program = [str(Path(sys.executable).with_name("offerkit")), "--store", live_shop.named(), "webhooks", "send"]
    with receiving() as hub:
        live_shop.change({"specs/shared.yaml": {"webhooks": {"hub": {"url": hub.url}}}})
        live_shop.apply("ada")
        outputs = [tmp_path / f"{number}.txt" for number in range(2)]
        with Store.open(live_shop.location, write=True) as store:
            with store.transaction():
                watching = []
                for output in outputs:
                    with output.open("wb") as file:
                        command = [*program, "--watch", "--every", "1"]
                        watching.append(subprocess.Popen(command, cwd=live_shop.root, stdout=file, stderr=file))
                for number in range(COUNT):
                    notice = Notice("approval.overdue", "shop", {"number": number})
                    outbox.add_once(store.database, str(number), "2026-01-01T00:00:00.000000Z", notice)
                time.sleep(8)  # longer than a process waits for another one's transaction
            end = time.monotonic() + 60
            while outbox.rows(store.database, (OutboxState.WAITING,)) and time.monotonic() < end:
                time.sleep(0.1)
            said = [output.read_text() for output in outputs]
            ends = [process.poll() for process in watching]
            for process in watching:
                process.kill()
                process.wait()
            assert ends == [None, None], said
            assert outbox.rows(store.database, (OutboxState.WAITING,)) == [], said
    times = Counter(headers["webhook-id"] for headers, _ in hub.requests)
    assert len(times) == COUNT and set(times.values()) == {1}, "each once"
