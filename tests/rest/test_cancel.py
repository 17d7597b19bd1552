"""POST /jobs/{job_id}/cancel, on real processes."""

from __future__ import annotations

import time

from .conftest import Start
from .service import Frames, Service, is_running, poll


def pid_in(line: str) -> int:
    return int(line.split()[1])


def test_the_answer_is_immediate_and_the_transition_visible_in_status(service: Service) -> None:
    job_id = service.dispatch("sleeps")
    pid = pid_in(service.first_line(job_id, "ready"))

    answer = service.http.post(f"/api/v1/jobs/{job_id}/cancel")

    assert answer.status_code == 200
    assert answer.json() == {"job_id": job_id, "status": "cancelling"}
    ended = service.ended(job_id)
    assert ended["status"] == "cancelled"
    assert ended["error_id"] is None
    assert not is_running(pid)


def test_the_transition_is_visible_in_the_stream(service: Service) -> None:
    job_id = service.dispatch("sleeps")
    service.first_line(job_id, "ready")

    with service.follow(job_id) as stream:
        service.http.post(f"/api/v1/jobs/{job_id}/cancel")
        frames = Frames(stream.read().decode())

    assert frames.lines[-1] == "__END__:cancelled"


def test_sigterm_comes_first_and_after_the_grace_sigkill(service: Service) -> None:
    job_id = service.dispatch("ignores-term")
    pid = pid_in(service.first_line(job_id, "ready"))

    started = time.monotonic()
    service.http.post(f"/api/v1/jobs/{job_id}/cancel")
    assert service.status(job_id)["status"] == "running"
    ended = service.ended(job_id)

    assert time.monotonic() - started >= 1.0  # the grace of the server of these tests: it was given in full
    assert (ended["status"], ended["error_id"]) == ("cancelled", None)
    assert not is_running(pid)


def test_no_process_is_left_not_even_one_that_left_the_group(service: Service) -> None:
    job_id = service.dispatch("leaves-the-group")
    pids = [pid_in(service.first_line(job_id, word)) for word in ("child", "ready")]
    assert all(is_running(pid) for pid in pids)

    service.http.post(f"/api/v1/jobs/{job_id}/cancel")

    assert service.ended(job_id)["status"] == "cancelled"
    assert not any(is_running(pid) for pid in pids)


def test_a_second_cancel_while_cancelling_answers_200_again(service: Service) -> None:
    job_id = service.dispatch("ignores-term")
    service.first_line(job_id, "ready")

    answers = [service.http.post(f"/api/v1/jobs/{job_id}/cancel") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[2].json() == {"job_id": job_id, "status": "cancelling"}
    assert service.ended(job_id)["status"] == "cancelled"


def test_a_cancel_of_a_terminal_job_is_409(service: Service) -> None:
    for behaviour, status in (("says-hello", "completed"), ("exits-1", "failed")):
        job_id = service.dispatch(behaviour)
        service.ended(job_id)

        answer = service.http.post(f"/api/v1/jobs/{job_id}/cancel")

        assert answer.status_code == 409
        assert answer.json() == {"detail": f"Job is already {status}"}


def test_a_cancel_of_a_cancelled_job_is_409(service: Service) -> None:
    job_id = service.dispatch("sleeps")
    service.http.post(f"/api/v1/jobs/{job_id}/cancel")
    service.ended(job_id)

    answer = service.http.post(f"/api/v1/jobs/{job_id}/cancel")

    assert (answer.status_code, answer.json()) == (409, {"detail": "Job is already cancelled"})


def test_a_queued_job_that_is_cancelled_never_starts(start_service: Start) -> None:
    service = start_service(GITOMA_MAX_RUNNING="1")
    first, queued = service.dispatch("waits-for-cancel"), service.dispatch("says-hello")

    answer = service.http.post(f"/api/v1/jobs/{queued}/cancel")
    assert answer.json() == {"job_id": queued, "status": "cancelling"}
    assert service.ended(queued)["status"] == "cancelled"
    (service.home / "waits-for-cancel").touch()
    service.ended(first)

    assert service.status(queued)["status"] == "cancelled"
    assert len(service.lines(queued)) == 1
    assert service.http.post(f"/api/v1/jobs/{queued}/cancel").status_code == 409


def test_a_cancel_takes_any_body_or_none(service: Service) -> None:
    job_id = service.dispatch("sleeps")

    assert service.http.post(f"/api/v1/jobs/{job_id}/cancel", content=b"{nonsense").status_code == 200
    poll(lambda: service.status(job_id)["status"], until=lambda status: status == "cancelled")
