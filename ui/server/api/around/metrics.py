"""Figures for Prometheus: counts and times by route, stage and reason. No names, no words, nothing of patients."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from spinecho.ui.server.api.around.service import Service

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
REQUESTS = Counter("spinecho_requests", "Requests by route, method and status.", ["route", "method", "status"])
SECONDS = Histogram("spinecho_request_seconds", "Until an answer was given.", ["route"], buckets=_BUCKETS)
STAGES = Histogram("spinecho_stage_seconds", "Of searches, by stage.", ["stage"], buckets=_BUCKETS)
ERRORS = Counter("spinecho_errors", "Answers that are problems, by reason.", ["reason"])
CACHE = Counter("spinecho_volume_cache", "Volumes asked for, by whether they were at hand.", ["found"])
UNDER_WAY = Gauge("spinecho_requests_under_way", "Requests now.", multiprocess_mode="livesum")
SEARCHES = Gauge("spinecho_searches_under_way", "Searches, those that wait too.", multiprocess_mode="livesum")
THREADS = Gauge("spinecho_threads_busy", "Threads that answer now, of 40.", multiprocess_mode="livesum")
READY = Gauge("spinecho_ready", "Whether searches are answered.", multiprocess_mode="livemin")
JOBS = Gauge("spinecho_jobs", "Jobs by state.", ["state"], multiprocess_mode="mostrecent")
OLDEST = Gauge("spinecho_index_age_seconds", "Since the serving image build was made.", multiprocess_mode="mostrecent")


def exposition(service: Service) -> bytes:
    """The text that Prometheus reads; of all processes of the server where these share a folder."""
    READY.set(float(service.ready))
    for state, count in service.queue.counts().items():
        JOBS.labels(state).set(count)
    age = _index_age(service.settings.builds)
    if age is not None:
        OLDEST.set(age)
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def stages_seen(seconds: Mapping[str, float]) -> None:
    """Book what the stages of a search took."""
    for stage, took in seconds.items():
        STAGES.labels(stage).observe(took)


def _index_age(builds: Path) -> float | None:
    made = [path.stat().st_mtime for path in builds.glob("space-*/*/manifest.json")]
    return time.time() - max(made) if made else None
