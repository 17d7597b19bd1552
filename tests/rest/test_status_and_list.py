"""GET /status/{job_id} and GET /jobs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from .conftest import Start
from .service import LIMIT_S, Service, poll

FIELDS = {"job_id", "label", "status", "created_at", "finished_at", "lines_buffered", "error_id"}


def test_a_running_job_has_no_end_and_no_error(service: Service) -> None:
    job_id = service.dispatch("waits-to-be-looked-at", "run")
    service.first_line(job_id, "waiting")
    job = service.status(job_id)
    (service.home / "waits-to-be-looked-at").touch()

    assert job.keys() == FIELDS
    assert (job["job_id"], job["label"], job["status"]) == (job_id, "run", "running")
    assert (job["finished_at"], job["error_id"]) == (None, None)
    assert job["lines_buffered"] == 2
    assert abs((datetime.now(UTC) - datetime.fromisoformat(job["created_at"])).total_seconds()) < LIMIT_S


def test_a_completed_job_has_its_end_and_no_error(service: Service) -> None:
    job = service.ended(service.dispatch("prints-3"))

    assert job.keys() == FIELDS
    assert (job["status"], job["error_id"], job["lines_buffered"]) == ("completed", None, 4)
    assert datetime.fromisoformat(job["finished_at"]) >= datetime.fromisoformat(job["created_at"])


def test_lines_buffered_counts_what_can_be_replayed_at_most_500(service: Service) -> None:
    assert service.ended(service.dispatch("prints-3000"))["lines_buffered"] == 500


@pytest.mark.parametrize(
    ("behaviour", "last"), [("exits-3", "exit code 3"), ("exits-255", "exit code 255"), ("is-killed", "SIGKILL")]
)
def test_on_a_bad_exit_error_id_is_populated_and_the_last_line_says_why(
    service: Service, behaviour: str, last: str
) -> None:
    job_id = service.dispatch(behaviour)
    job = service.ended(job_id)

    assert job["status"] == "failed"
    assert int(job["error_id"], 16) >= 0
    final = service.lines(job_id)[-1]
    assert final.startswith("[error] ")
    assert last in final
    assert final.endswith(f"(error_id={job['error_id']})")
    assert job["error_id"] in service.log


def test_a_job_past_its_time_is_timed_out_with_an_error_id(start_service: Start) -> None:
    service = start_service(GITOMA_JOB_TIMEOUT_S="0.5", GITOMA_CANCEL_GRACE_S="0.2")
    job_id = service.dispatch("ignores-term")
    job = service.ended(job_id)

    assert job["status"] == "timed_out"
    assert job["error_id"] in service.log
    assert job["error_id"] in service.lines(job_id)[-1]


@pytest.mark.parametrize(
    "job_id",
    ["5f0c1f3e-6f0e-4c56-9d0b-2f8f6f3f8a11", "no-uuid", "%00", "%FF", "..", "%2e%2e", "x" * 1000, "'; --"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/status/{}"), ("POST", "/api/v1/jobs/{}/cancel"), ("GET", "/api/v1/stream/{}")],
)
def test_an_unknown_job_id_is_404(service: Service, method: str, path: str, job_id: str) -> None:
    answer = service.get(path.format(job_id.replace(" ", "%20")), method=method)

    assert answer.status == 404
    assert answer.json.keys() == {"detail"}
    assert job_id not in answer.json["detail"]


def test_the_list_has_every_job_the_server_knows_about(service: Service) -> None:
    completed, failed = service.dispatch("prints-2"), service.dispatch("exits-1", "review")
    running = service.dispatch("waits-to-be-listed")
    service.first_line(running, "waiting")
    ended = {completed: service.ended(completed), failed: service.ended(failed)}
    jobs = service.http.get("/api/v1/jobs").json()
    (service.home / "waits-to-be-listed").touch()

    for job in jobs.values():
        assert job.keys() == {"status", "label", "lines", "created_at", "finished_at", "error_id"}
    assert (jobs[running]["status"], jobs[running]["finished_at"], jobs[running]["lines"]) == ("running", None, 2)
    for job_id, status in ended.items():
        for field in ("status", "label", "created_at", "finished_at", "error_id"):
            assert jobs[job_id][field] == status[field]
        assert jobs[job_id]["lines"] == status["lines_buffered"]
    assert [job_id for job_id in jobs if job_id in (completed, failed, running)] == [completed, failed, running]


def test_a_server_without_jobs_lists_none(start_service: Start) -> None:
    assert start_service().http.get("/api/v1/jobs").json() == {}


def test_finished_jobs_are_evicted_when_the_cap_is_exceeded_and_running_ones_never(start_service: Start) -> None:
    service = start_service(GITOMA_MAX_JOBS="2")
    running = service.dispatch("waits-for-eviction")
    ended = []
    for _ in range(4):
        ended.append(service.dispatch("says-hello"))
        service.ended(ended[-1])
    still_known = service.http.get("/api/v1/jobs").json()

    assert list(still_known) == [running, ended[-1]]
    assert service.http.get(f"/api/v1/status/{ended[0]}").status_code == 404
    assert service.http.get(f"/api/v1/stream/{ended[0]}").status_code == 404
    (service.home / "waits-for-eviction").touch()


def test_finished_jobs_are_evicted_by_ttl_and_running_ones_never(start_service: Start) -> None:
    service = start_service(GITOMA_JOB_TTL_S="0.2")
    running = service.dispatch("waits-for-the-ttl")
    ended = service.dispatch("says-hello")
    status = f"/api/v1/status/{ended}"

    poll(lambda: service.http.get(status).status_code, until=lambda seen: seen == 404)
    assert list(service.http.get("/api/v1/jobs").json()) == [running]
    assert service.http.post(f"/api/v1/jobs/{ended}/cancel").status_code == 404
    (service.home / "waits-for-the-ttl").touch()


def test_more_running_jobs_than_the_cap_are_all_kept(start_service: Start) -> None:
    service = start_service(GITOMA_MAX_JOBS="1", GITOMA_CANCEL_GRACE_S="1")
    running = [service.dispatch("sleeps") for _ in range(3)]

    assert list(service.http.get("/api/v1/jobs").json()) == running
