"""The public page on `/`, and the headers that keep it from being misused."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from .service import Service


def test_the_cockpit_is_public_html(service: Service, closed_service: Service) -> None:
    for each in (service, closed_service):
        answer = each.anonymous.get("/")

        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "gitoma" in answer.text


def test_the_content_security_policy_is_the_references(service: Service) -> None:
    policy = service.anonymous.get("/").headers["content-security-policy"]

    assert policy.startswith("default-src 'self'; script-src 'self' 'unsafe-inline'")
    assert "frame-ancestors 'none'" in policy
    assert "http:" not in policy
    assert "https:" not in policy


def test_the_inline_script_is_allowed_by_its_hash(service: Service) -> None:
    answer = service.anonymous.get("/")
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()

    assert f"script-src 'self' 'unsafe-inline' 'sha256-{digest}';" in answer.headers["content-security-policy"]


def test_nothing_is_sniffed_and_no_referrer_is_sent(service: Service) -> None:
    headers = service.anonymous.get("/").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_it_is_a_single_self_contained_file(service: Service) -> None:
    page = service.anonymous.get("/").text

    assert not re.search(r"<(script|link|img|iframe)[^>]*\s(src|href)=", page)
    assert "http://" not in page
    assert "https://" not in page


def test_it_holds_no_secret(service: Service) -> None:
    job_id = service.dispatch("says-hello")

    assert job_id not in service.anonymous.get("/").text
