"""What is remembered of calls changes no answer: with and without it, each is the same byte for byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.engine.bounded_cache import BoundedCache
from offerkit.server import json_bodies
from offerkit.server.json_bodies import InvalidRequestError, UnreadableError
from offerkit.usecases.propose import decide_call

pytestmark = pytest.mark.embedded
OWN = re.compile(rb'"interaction":"\w+","at":"[^"]+"')
VALUES: tuple[Any, ...] = (
    *("", "a", "/travel", "https://example.com/a:b", 'say "no": {"a":1}', "\x00", "ann@example.com", "x" * 501, "½"),
    *(0, 1, -1, 3, 101, 2**53, 2**64, 10**30, -0.0, 1.5, 1e300, 0.1 + 0.2, True, False, None),
    *([], ["a"], ["shop/web", "shop/web"], {}, {"a": 1}, [1, [2]], ["html", "html"], {"page": "/a", "age": 3}),
)
TEXTS = (
    *('{"a":1,"a":2}', '{"a":{"b":1,"b":2}}', '[{"a":1,"\\u0061":2}]', '{":":1,":":2}', '{"a:":":"}', '"\\ud800"'),
    *("-0", "-0.0", "1E5", "1e400", "NaN", "01", "1.", "[1,]", "9" * 15, "9" * 16, "9" * 65, "0." + "1" * 63, "1e-07"),
    *('{"a":"\\":"}', '{"a":"\\\\","a":1}', '"\t"', "[] []", "", "\ufeff1", '{"a":[{"b":1},{"b":1}]}', '"\\u00e9"'),
)


@contextmanager
def nothing_remembered() -> Iterator[None]:
    """Caches have nothing, and bodies are read by the strict parser only."""
    with patch.object(BoundedCache, "peek", lambda cache, key: None), patch.object(json_bodies, "SMALL", -1):
        yield


def body(random: Random) -> bytes:
    """A call that is right, or nearly."""
    said: dict[str, Any] = {"spaces": ["shop/web"], "store": False}
    plain: dict[str, list[Any]] = {
        "contact": ["ann@example.com", "bob@example.com", "nobody@example.com", ""],
        "data": [{"page": "/travel"}, {"page": None}, {}, {"page": "a:b"}],
        "n": [1, 2, 100],
        "outputs": [["html"], ["html", "text"], []],
        "categories": [["retail"], ["no-such"], [], ["retail", "no-such"]],
        "themes": [["no-such"], []],
        "session": ["s"],
        "cookie": ["c", ""],
        "status_url": [True, False],
        "spaces": [["shop/web"], ["shop/no-such"], ["web"], [{"space": "shop/web", "n": 2}, "shop/web"]],
    }
    for name in random.sample(sorted(plain), random.randrange(6)):
        said[name] = random.choice(plain[name])
    if random.random() < 0.4:
        said[random.choice([*plain, "explain", "at", "seed", "unknown"])] = random.choice(VALUES)
    if random.random() < 0.1:
        said["data"] = {random.choice(["page", "age", "other"]): random.choice(VALUES)}
    return json.dumps(said, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")


def asked(asking: TestClient, content: bytes, **headers: str) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Status, body and headers, without what is each answer's own."""
    answer = asking.post("/api/v1/propose", content=content, headers={"content-type": "application/json", **headers})
    own = ("x-request-id", "content-length")
    return answer.status_code, OWN.sub(b"", answer.content), [h for h in answer.headers.items() if h[0] not in own]


def test_what_is_remembered_changes_no_answer(shop: Workspace) -> None:
    random, statuses = Random(20), list[int]()
    with client(with_people(shop).go_live()) as asking:
        for content in [body(random) for _ in range(200)]:
            headers = random.choice([{}, {"accept": "text/html"}, {"x-request-id": "a b"}, {"user-agent": "x" * 2_000}])
            with nothing_remembered():
                first = asked(asking, content, **headers)
            assert asked(asking, content, **headers) == first, content  # made
            assert asked(asking, content, **headers) == first, content  # remembered
            statuses.append(first[0])
    assert statuses.count(200) > 40, statuses
    assert statuses.count(422) + statuses.count(400) > 40, statuses


def test_what_is_read_fast_is_read_as_strictly() -> None:
    random = Random(21)
    texts = [*TEXTS, *(body(random).decode("utf-8", "surrogatepass") for _ in range(300))]
    for text in texts:
        for content in (text, f' {{"x": {text}, "y": [{text}]}}', text[: random.randrange(1 + len(text))]):
            written = content.encode("utf-8", "surrogatepass")
            fast = _read(written)
            with nothing_remembered():
                assert _read(written) == fast, content


def _read(content: bytes) -> str:
    """What a body is read as, with the types of its values; or why it is refused."""
    try:
        return repr(json_bodies.as_values(content))
    except UnreadableError as error:
        return error.message
    except InvalidRequestError as error:
        return repr(error.errors)


def test_calls_that_name_what_does_not_exist_are_not_remembered(shop: Workspace) -> None:
    with (
        client(with_people(shop).go_live()) as asking,
        patch("offerkit.server.thread_worker.decide_call", wraps=decide_call) as decided,
    ):
        for number in range(30):
            said = {"spaces": ["shop/web"], "n": 1 + number % 2, "store": False}
            assert asked(asking, json.dumps(said).encode())[0] == 200
            assert asked(asking, json.dumps({**said, "themes": [f"no-such-{number}"]}).encode())[0] == 200
            assert asked(asking, json.dumps({**said, "categories": ["retail"] * 11}).encode())[0] == 200
        (catalogs,) = {id(call.args[0]): call.args[0] for call in decided.call_args_list}.values()
    assert len(catalogs.forms) == 2
