"""Metrics for Prometheus: requests and their time, decisions, exclusions, waiting writes."""

from __future__ import annotations

from collections import defaultdict

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from offerkit.engine.answer import Answer

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one worker; with several workers, :meth:`exposed` adds them up (``PROMETHEUS_MULTIPROC_DIR``)."""

    def __init__(self, *, shared: bool = False) -> None:
        """``shared``: the metrics of all workers are in files of one folder."""
        self._shared = shared
        self._times: dict[str, Histogram] = {}
        self._children: dict[tuple[Counter, tuple[str | int, ...]], Counter] = {}
        self._counts: defaultdict[tuple[Counter, tuple[str | int, ...]], int] = defaultdict(int)
        self.registry = CollectorRegistry()
        on = self.registry
        self.requests = Counter(
            "offerkit_requests",
            "Requests, by route, method and status.",
            ("route", "method", "status"),
            registry=on,
        )
        self.seconds = Histogram(
            "offerkit_request_seconds",
            "Until the end of the answer.",
            ("route",),
            buckets=SECONDS,
            registry=on,
        )
        self.decisions = Counter(
            "offerkit_decisions", "Decisions, by space and identification.", ("space", "identified"), registry=on
        )
        self.propositions = Counter("offerkit_propositions", "Offers proposed, by space.", ("space",), registry=on)
        self.excluded = Counter(
            "offerkit_excluded_offers", "Offers of a slice that were not proposed, by reason.", ("reason",), registry=on
        )
        self.updates = Counter("offerkit_status_updates", "Changes of status.", ("status",), registry=on)
        self.revision = Gauge(
            "offerkit_live_revision", "The newest revision that is served.", multiprocess_mode="min", registry=on
        )
        self.stopped = Gauge(
            "offerkit_stopped_offers",
            "Offers that a stop keeps out of all or some spaces of what is served.",
            multiprocess_mode="mostrecent",
            registry=on,
        )
        self.waiting = Gauge(
            "offerkit_waiting_writes", "Calls that wait to be stored.", multiprocess_mode="livesum", registry=on
        )

    def told(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        histogram = self._times.get(route)
        if histogram is None:
            histogram = self._times[route] = self.seconds.labels(route)
        histogram.observe(seconds)
        self._counts[self.requests, (route, method, status)] += 1
        if self._shared:
            self._count()

    def answered(self, answer: Answer) -> None:
        """Count the decisions of one call."""
        counts = self._counts
        for space in answer.spaces:
            name = space.name
            counts[self.decisions, (name, space.how)] += 1
            counts[self.propositions, (name,)] += len(space.proposed)
            for reason, count in space.excluded.items():
                if count:
                    counts[self.excluded, (reason,)] += count

    def _count(self) -> None:
        """Give the library what was counted: that takes several times as long as to count."""
        for key, count in self._counts.items():
            if count:
                counter, labels = key
                child = self._children.get(key) or self._children.setdefault(key, counter.labels(*labels))
                child.inc(count)
        self._counts.clear()

    def exposed(self) -> tuple[bytes, str]:
        """The metrics in Prometheus's text format, and its media type."""
        self._count()
        registry = self.registry
        if self._shared:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
