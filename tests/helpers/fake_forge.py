"""Forges on this machine: real HTTP, and every request is held against the vendor's own description of its API.

What is asked for otherwise than described is refused with 422 and kept in ``problems``; the answers are held against
the description as well, so that a client that can read them can read the vendor's.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from jsonschema import Draft202012Validator

HERE = Path(__file__).parent
TOKEN = "forge-token-of-the-tests"


class Answer:
    """What is answered, and how much of it is really sent (``cut``: bytes, None: all)."""

    def __init__(
        self, status: int, body: Any = None, headers: dict[str, str] | None = None, *, raw: bytes | None = None
    ) -> None:
        self.status, self.headers = status, dict(headers or {})
        self.content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        self.body = body
        self.cut: int | None = None
        self.before: Callable[[], object] | None = None


Fault = Callable[[Callable[[], Answer]], Answer | None]
"""Gets what would carry the request out; None: the connection is closed without a word."""


def status(code: int, body: Any = None, **headers: str) -> Fault:
    """Nothing is carried out."""
    return lambda carry_out: Answer(
        code, {"message": "no"} if body is None else body, {k.replace("_", "-"): v for k, v in headers.items()}
    )


def raw(content: bytes, code: int = 200) -> Fault:
    """Nothing is carried out, and this is said of it."""
    return lambda carry_out: Answer(code, raw=content)


def lost(carry_out: Callable[[], Answer]) -> None:
    """It is carried out, and nothing is said of it."""
    carry_out()


def cut(carry_out: Callable[[], Answer]) -> Answer:
    """It is carried out, and half of what is said of it arrives."""
    answer = carry_out()
    answer.cut = len(answer.content) // 2
    return answer


def half(carry_out: Callable[[], Answer]) -> Answer:
    """It is carried out, and half of what is said of it arrives as if it were the whole."""
    answer = carry_out()
    answer.content = answer.content[: len(answer.content) // 2]
    return answer


class FakeForge:
    """A server of this process; ``faults`` go, each once, to the next requests that their ``METHOD path`` matches."""

    def __init__(self, description: Path) -> None:
        self.description = Description(description)
        self.problems: list[str] = []
        self.asked: list[str] = []
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                forge.serve(self)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do  # noqa: N815 - as http.server calls them

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self.server.server_close()

    def fault(self, where: str, *faults: Fault) -> None:
        """The next requests whose ``METHOD path`` matches ``where`` meet these."""
        self.faults[where].extend(faults)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        line = f"{handler.command} {handler.path}"
        with self.lock:
            self.asked.append(line)
            fault = next(
                (queue.popleft() for where, queue in self.faults.items() if queue and re.search(where, line)), None
            )

            def carry_out() -> Answer:
                return self.carry_out(
                    handler.command, handler.path, {k.lower(): v for k, v in handler.headers.items()}, body
                )

            answer = fault(carry_out) if fault else carry_out()
        if answer is None:
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(answer.content)))
        handler.end_headers()
        with contextlib.suppress(ConnectionError):  # a client that has read enough
            handler.wfile.write(answer.content[: answer.cut])

    def carry_out(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Hold a request against the description, carry it out, and hold the answer against it."""
        parts = urlsplit(target)
        problem = self.headers_problem(headers)
        if problem:
            return self._wrong(f"{method} {target}: {problem}")
        special = self.special(method, parts.path, body)
        if special is not None:
            return special
        try:
            found = self.description.match(
                method, self.path(parts.path), parse_qsl(parts.query, keep_blank_values=True), body
            )
        except ValueError as error:
            return self._wrong(f"{method} {target}: {error}")
        answer = self.answer(found)
        if answer.status < 300:
            self.description.check_answer(found, answer)
        return answer

    def _wrong(self, why: str) -> Answer:
        self.problems.append(why)
        return Answer(422, {"message": why})

    def path(self, path: str) -> str:
        """The path as the description has it."""
        return path

    def special(self, method: str, path: str, body: bytes) -> Answer | None:
        """What the description does not have."""
        return None

    def headers_problem(self, headers: dict[str, str]) -> str:
        """What is wrong with the headers."""
        raise NotImplementedError

    def answer(self, found: Request) -> Answer:
        """Carry it out."""
        raise NotImplementedError

    def page(self, items: list[Any], found: Request, wrap: Callable[[list[Any]], Any] = lambda items: items) -> Answer:
        """One page of a list, with a link to the next one."""
        size = min(100, int(found.query.get("per_page", 30)))
        page = int(found.query.get("page", 1))
        headers = {}
        if page * size < len(items):
            query = urlencode({**found.query, "page": page + 1})
            headers["Link"] = (
                f'<{self.url}{found.target}?{query}>; rel="next", <{self.url}{found.target}?page=9>; rel="last"'
            )
        return Answer(200, wrap(items[(page - 1) * size : page * size]), headers)


class Request:
    """A request that is as the API describes it."""

    def __init__(
        self,
        method: str,
        template: str,
        target: str,
        operation: Any,
        path: dict[str, str],
        query: dict[str, str],
        body: Any,
    ) -> None:
        self.method, self.template, self.target, self.operation = method, template, target, operation
        self.path, self.query, self.body = path, query, body


class Description:
    """An OpenAPI description, of which JSON Schema can check values."""

    def __init__(self, file: Path) -> None:
        self.whole = load(file)
        self.undescribed: set[str] = set()
        """What the vendor answers although it does not describe it."""
        self.validators: dict[int, Draft202012Validator] = {}

    def match(self, method: str, target: str, query: list[tuple[str, str]], body: bytes) -> Request:
        """The operation that a request is for. Raises ValueError for what is not described."""
        for template, operations in self.whole["paths"].items():
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            found = re.fullmatch(pattern, target)
            if found is None or method.lower() not in operations:
                continue
            operation = operations[method.lower()]
            path = {name: unquote(value) for name, value in found.groupdict().items()}
            self._parameters(operation, path, dict(query))
            if len(dict(query)) < len(query):
                raise ValueError("a query parameter stands twice")
            return Request(method, template, target, operation, path, dict(query), self._body(operation, body))
        raise ValueError("there is no such operation")

    def _parameters(self, operation: Any, path: dict[str, str], query: dict[str, str]) -> None:
        known = [self._resolved(parameter) for parameter in operation.get("parameters", [])]
        for place, given in (("path", path), ("query", query)):
            described = {parameter["name"]: parameter for parameter in known if parameter["in"] == place}
            if given.keys() - described.keys():
                raise ValueError(f"unknown {place} parameters {sorted(given.keys() - described.keys())}")
            for name, parameter in described.items():
                if name in given:
                    self.check(parameter["schema"], typed(given[name], self._resolved(parameter["schema"])), name)
                elif parameter.get("required"):
                    raise ValueError(f"{name} is missing")

    def _body(self, operation: Any, body: bytes) -> Any:
        described = operation.get("requestBody")
        if described is None:
            if body:
                raise ValueError("it takes no body")
            return None
        schema = self._resolved(described)["content"]["application/json"]["schema"]
        value = json.loads(body)
        self.check(schema, value, "body")
        unknown = value.keys() - self._resolved(schema).get("properties", {}).keys()
        if unknown:
            raise ValueError(f"unknown properties {sorted(unknown)}")
        return value

    def check(self, schema: Any, value: Any, what: str, *, known: frozenset[str] = frozenset()) -> None:
        """Raises ValueError for a value that is not as described, but for the mistakes that are ``known``."""
        for error in self._validator(schema).iter_errors(value):
            if self._mistake(error) not in known:
                raise ValueError(f"{what}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")

    def check_answer(self, found: Request, answer: Answer) -> None:
        """Raises ValueError when the fake answers what the vendor would not. Some of the vendor's examples are not as
        it describes them: what is wrong in them is no mistake of the fake."""
        described = self._resolved(found.operation["responses"][str(answer.status)])
        for media in [found for kind, found in described.get("content", {}).items() if kind == "application/json"]:
            example = self._resolved(next(iter(media["examples"].values())))["value"] if "examples" in media else None
            known = {self._mistake(error) for error in self._validator(media["schema"]).iter_errors(example)}
            value = answer.body[:2] if isinstance(answer.body, list) else answer.body
            self.check(
                media["schema"],
                value,
                f"answer to {found.method} {found.template}",
                known=frozenset(known | self.undescribed),
            )

    def _validator(self, schema: Any) -> Draft202012Validator:
        made = self.validators.get(id(schema))
        if made is None:
            made = self.validators[id(schema)] = Draft202012Validator(
                {**schema, "components": self.whole["components"]}
            )
        return made

    @staticmethod
    def _mistake(error: Any) -> str:
        return re.sub(r"\b[0-9]+\b", "0", "/".join(map(str, error.absolute_path))) + f": {error.validator}"

    def example(self, template: str, method: str = "get") -> Any:
        """The vendor's own example of an answer."""
        answers = self.whole["paths"][template][method]["responses"]
        answer = next(self._resolved(found) for found in answers.values())
        example = self._resolved(next(iter(answer["content"]["application/json"]["examples"].values())))
        return deepcopy(example["value"])

    def _resolved(self, value: Any) -> Any:
        while "$ref" in value:
            _, _, section, name = value["$ref"].split("/")
            value = self.whole["components"][section][name]
        return value


@cache
def load(file: Path) -> Any:
    """A description in which ``nullable`` of OpenAPI 3.0 is JSON Schema's own way to say it."""
    return as_json_schema(json.loads(file.read_text(encoding="utf-8")))


def as_json_schema(value: Any, example: bool = False) -> Any:
    """``nullable: true`` as another type that is allowed."""
    if isinstance(value, list):
        return [as_json_schema(one, example) for one in value]
    if not isinstance(value, dict) or example:
        return value
    made = {name: as_json_schema(one, name == "examples") for name, one in value.items()}
    if made.pop("nullable", None) is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


def typed(text: str, schema: Any) -> Any:
    """A parameter as its type."""
    kinds = str(schema)
    if "integer" in kinds and re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if "boolean" in kinds else text


__all__ = ["TOKEN", "Answer", "FakeForge", "Fault", "Request", "cut", "half", "lost", "quote", "raw", "status"]
