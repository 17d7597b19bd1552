"""GET /stream/{job_id}: the protocol, on real jobs and real sockets."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
from pathlib import Path

import httpx
import pytest

from .conftest import Start
from .service import TOKEN, Frames, Service, dechunked, poll, read_all


def read(service: Service, job_id: str, **headers: str) -> Frames:
    answer = service.http.get(f"/api/v1/stream/{job_id}", headers=headers)
    assert answer.status_code == 200
    return Frames(answer.text)


@pytest.fixture(scope="module")
def long_ago(service: Service) -> str:
    """A job that has ended and of whose 1001 lines only the last 500 are left."""
    job_id = service.dispatch("prints-1000")
    service.ended(job_id)
    return job_id


def test_the_headers_are_those_of_an_event_stream_that_nobody_holds_back(service: Service, three_lines: str) -> None:
    answer = service.http.get(f"/api/v1/stream/{three_lines}", headers={"Accept-Encoding": "gzip"})

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "x-request-id" in answer.headers


def test_a_stream_is_never_compressed(service: Service, long_ago: str) -> None:
    answer = service.http.get(f"/api/v1/stream/{long_ago}", headers={"Accept-Encoding": "gzip"})

    assert len(answer.content) > 1024
    assert "content-encoding" not in answer.headers


def test_the_bytes_of_a_stream_are_one_frame_a_line_and_a_last_one(service: Service, three_lines: str) -> None:
    text = service.http.get(f"/api/v1/stream/{three_lines}").text
    command, _, rest = text.partition("\n\n")

    assert command.startswith('id: 1\nevent: line\ndata: {"line": "$ ')
    assert rest == (
        'id: 2\nevent: line\ndata: {"line": "line 1"}\n\n'
        'id: 3\nevent: line\ndata: {"line": "line 2"}\n\n'
        'id: 4\nevent: line\ndata: {"line": "line 3"}\n\n'
        'event: line\ndata: {"line": "__END__:completed"}\n\n'
    )


def test_seq_counts_the_jobs_lines_from_1(service: Service, three_lines: str) -> None:
    assert read(service, three_lines).ids == [1, 2, 3, 4]


def test_the_last_frame_has_no_id(service: Service, three_lines: str) -> None:
    last = read(service, three_lines).blocks[-1]

    assert last.keys() == {"event", "data"}
    assert last["data"] == '{"line": "__END__:completed"}'


@pytest.mark.parametrize(("behaviour", "status"), [("says-hello", "completed"), ("exits-2", "failed")])
def test_a_job_that_has_ended_replays_its_ring_and_the_last_frame(
    service: Service, behaviour: str, status: str
) -> None:
    job_id = service.dispatch(behaviour)
    service.ended(job_id)

    first, second = read(service, job_id), read(service, job_id)

    assert first.lines[-1] == f"__END__:{status}"
    assert first.lines.count(f"__END__:{status}") == 1
    assert first.lines == second.lines


def test_lines_come_live(service: Service) -> None:
    job_id = service.dispatch("waits-for-its-reader")
    with service.follow(job_id) as stream:
        received = ""
        for text in stream.iter_text():
            received += text
            if "waiting" in received and not (service.home / "waits-for-its-reader").exists():
                assert "went on" not in received
                (service.home / "waits-for-its-reader").touch()

    assert Frames(received).lines[1:] == ["waiting", "went on", "__END__:completed"]


def test_then_the_server_closes(service: Service, three_lines: str) -> None:
    with service.connect() as connection:
        head = f"GET /api/v1/stream/{three_lines} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        connection.sendall(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode())

        assert read_all(connection).endswith(b"\r\n0\r\n\r\n")


def test_stdout_and_stderr_are_merged_in_order(service: Service) -> None:
    lines = service.lines(service.dispatch("two-streams"))

    assert lines[1:] == ["out 0", "err 0", "out 1", "err 1", "out 2", "err 2"]


def test_a_ring_of_the_last_500_lines_is_kept_and_the_rest_shows_as_dropped(service: Service, long_ago: str) -> None:
    frames = read(service, long_ago)

    assert frames.blocks[0] == {"": "dropped 501"}
    assert frames.comments == ["dropped 501"]
    assert frames.ids == list(range(502, 1002))
    assert frames.lines[0] == "line 501"
    assert frames.lines[-2:] == ["line 1000", "__END__:completed"]


# --- resuming


def test_last_event_id_resumes_after_that_line(service: Service, three_lines: str) -> None:
    frames = read(service, three_lines, **{"Last-Event-ID": "2"})

    assert frames.ids == [3, 4]
    assert frames.comments == []
    assert frames.lines == ["line 2", "line 3", "__END__:completed"]


def test_last_event_id_of_the_last_line_leaves_the_last_frame(service: Service, three_lines: str) -> None:
    assert read(service, three_lines, **{"Last-Event-ID": "4"}).lines == ["__END__:completed"]


@pytest.mark.parametrize("last", ["5", "1000", "9" * 18, "9" * 19, "9" * 5000])
def test_after_one_beyond_the_last_line_what_comes_next_is_sent(service: Service, three_lines: str, last: str) -> None:
    assert read(service, three_lines, **{"Last-Event-ID": last}).lines == ["__END__:completed"]


def test_after_one_beyond_the_last_line_of_a_live_job_its_next_line_is_sent(service: Service) -> None:
    job_id = service.dispatch("waits-for-one-from-the-future")
    service.first_line(job_id, "waiting")
    with service.follow(job_id, **{"Last-Event-ID": "1000"}) as stream:
        (service.home / "waits-for-one-from-the-future").touch()
        frames = Frames(stream.read().decode())

    assert frames.ids == [3]
    assert frames.lines == ["went on", "__END__:completed"]


@pytest.mark.parametrize("last", ["", "x", "-1", "+1", "1.0", "1e1", "0x1", "1 1", "\u0661", "\u00b2", "0", "00"])
def test_one_that_is_no_number_is_ignored(service: Service, three_lines: str, last: str) -> None:
    answer = service.get(f"/api/v1/stream/{three_lines}", b"Last-Event-ID: " + last.encode())

    assert Frames(answer.body.decode()).ids == [1, 2, 3, 4]


@pytest.mark.parametrize("last", ["2 ", "2\t", " 2"])
def test_blanks_around_the_number_are_no_part_of_it(service: Service, three_lines: str, last: str) -> None:
    answer = service.get(f"/api/v1/stream/{three_lines}", b"Last-Event-ID: " + last.encode())

    assert Frames(answer.body.decode()).ids == [3, 4]


@pytest.mark.parametrize(
    ("last", "dropped", "first"), [("1", 500, 502), ("500", 1, 502), ("501", 0, 502), ("502", 0, 503)]
)
def test_lines_that_are_gone_are_counted_from_where_the_client_was(
    service: Service, long_ago: str, last: str, dropped: int, first: int
) -> None:
    frames = read(service, long_ago, **{"Last-Event-ID": last})

    assert frames.comments == ([f"dropped {dropped}"] if dropped else [])
    assert frames.ids == list(range(first, 1002))


def test_a_cut_connection_resumes_without_loss_or_doubling(service: Service) -> None:
    job_id = service.dispatch("waits-for-a-resume")
    with service.follow(job_id) as stream:
        received = ""
        for text in stream.iter_text():
            received += text
            if "waiting" in received:
                break
    seen = Frames(received).ids
    (service.home / "waits-for-a-resume").touch()
    service.ended(job_id)

    rest = read(service, job_id, **{"Last-Event-ID": str(seen[-1])})

    assert seen + rest.ids == [1, 2, 3]


# --- what a line is


def test_a_jobs_own_line_that_begins_like_the_sentinel_ends_nothing(service: Service) -> None:
    frames = read(service, service_job(service, "forges"))

    assert frames.lines[1:] == [" __END__:completed", "__END__:completed"]
    assert frames.ids == [1, 2]


def service_job(service: Service, behaviour: str) -> str:
    job_id = service.dispatch(behaviour)
    service.ended(job_id)
    return job_id


def test_credentials_are_redacted_before_anyone_sees_them(service: Service) -> None:
    job_id = service_job(service, "leaks")
    text = service.http.get(f"/api/v1/stream/{job_id}").text

    assert "s3cr3t" not in text
    assert "c2VjcmV0" not in text
    assert "https://REDACTED@example.com/x" in text


def test_a_long_line_is_cut_on_a_character_boundary_and_marked(service: Service) -> None:
    assert service.lines(service.dispatch("one-long-line"))[1] == "é" * 2048 + "…(truncated)"


def test_what_is_no_utf_8_is_replaced_and_line_ends_are_cut(service: Service) -> None:
    assert service.lines(service.dispatch("bad-utf-8"))[1:] == ["caf\ufffd \ufffd", "no final newline"]


# --- readers


def test_of_an_unknown_job_is_404(service: Service) -> None:
    answer = service.http.get("/api/v1/stream/7c9e6679-7425-40de-944b-e07fc1f90ae7")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"detail"}


def test_at_most_16_readers_a_job_the_next_gets_429_and_a_place_is_given_back(service: Service) -> None:
    job_id = service.dispatch("waits-for-17-readers")
    other = service.dispatch("says-hello")
    service.first_line(job_id, "waiting")
    path = f"/api/v1/stream/{job_id}"
    limits = httpx.Limits(max_connections=40)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        httpx.Client(base_url=service.address, headers=headers, timeout=60, limits=limits) as client,
        contextlib.ExitStack() as open_streams,
    ):
        # The place of the reader above is free as soon as the server has seen that it left.
        poll(lambda: reader_is_let_in(client, path, open_streams), until=bool)
        for _ in range(15):
            poll(lambda: reader_is_let_in(client, path, open_streams), until=bool)

        refused = client.get(path)
        assert refused.status_code == 429
        assert refused.json().keys() == {"detail"}
        assert int(refused.headers["retry-after"]) >= 1
        assert client.head(path).status_code == 429
        assert client.get(f"/api/v1/stream/{other}").status_code == 200

        open_streams.close()
        poll(lambda: reader_is_let_in(client, path, open_streams), until=bool)
        open_streams.close()
    (service.home / "waits-for-17-readers").touch()


def reader_is_let_in(client: httpx.Client, path: str, open_streams: contextlib.ExitStack) -> bool:
    with contextlib.ExitStack() as opening:
        stream = opening.enter_context(client.stream("GET", path))
        if stream.status_code == 200:
            open_streams.push(opening.pop_all())
        return stream.status_code == 200


def test_head_of_a_stream_gives_status_and_headers_and_ends(service: Service) -> None:
    job_id = service.dispatch("waits-for-head")
    service.first_line(job_id, "waiting")
    for _ in range(20):  # more than there are places: each is given back
        answer = poll(
            lambda: service.get(f"/api/v1/stream/{job_id}", method="HEAD"), until=lambda answer: answer.status == 200
        )
        assert answer.body == b""
        assert answer.header("content-type") == "text/event-stream"
    (service.home / "waits-for-head").touch()


def test_a_slow_reader_loses_its_oldest_lines_and_slows_nobody(start_service: Start) -> None:
    service = start_service()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that little fits on the way to us
        slow.settimeout(60)
        slow.connect(("127.0.0.1", int(service.address.rpartition(":")[2])))
        job_id = service.dispatch("floods")
        head = f"GET /api/v1/stream/{job_id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        slow.sendall(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        service.first_line(job_id, "flooded")  # 24 MB have gone by, though the other reader has taken next to nothing
        memory = resident_bytes(service.process.pid)
        (service.home / "go-on").touch()
        service.ended(job_id)
        head, _, body = read_all(slow).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200")
    frames = Frames(dechunked(body).decode())
    dropped = sum(int(comment.split()[1]) for comment in frames.comments)
    assert dropped > 200_000
    assert frames.ids == sorted(set(frames.ids))
    assert dropped + len(frames.ids) == frames.ids[-1]
    assert frames.lines[-2:] == ["flooded", "__END__:completed"]
    assert memory < 200 * 1024 * 1024


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def test_every_frame_is_json(service: Service, long_ago: str) -> None:
    for event in read(service, long_ago).events:
        assert event["event"] == "line"
        assert json.loads(event["data"]).keys() == {"line"}
