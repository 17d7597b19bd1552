import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitoma.adapters.testing.output import Leak, authorization_leaks, leaks, ordinary_lines, raw_output, secrets
from gitoma.domain.jobs.redaction import MASK, SECRET_MIN_CHARACTERS, Redactor, looks_like_a_credential

redact = Redactor()
REPEATABLE = [
    "a:/",
    "://",
    "sk-",
    "@",
    "://x:y",
    "ghp_",
    "sk-a",
    "AKIA",
    "A",
    "bearer",
    "Bearer.",
    "authorization",
    "REDACTED",
]


@given(leaks())
def test_a_credential_of_any_kind_is_masked_wherever_it_stands(leak: Leak) -> None:
    shown = redact(leak.line)

    assert leak.secret not in shown
    assert shown.startswith(redact(leak.before))
    assert "REDACTED" in shown


@given(authorization_leaks())
def test_the_value_of_an_authorization_header_is_masked_to_the_end_of_the_line(leak: Leak) -> None:
    block = redact(f"one\n{leak.line}\nthree").split("\n")

    assert block[0] == "one"
    assert block[2] == "three"
    assert leak.secret not in block[1]
    assert block[1].endswith("REDACTED")


@given(st.lists(ordinary_lines()).map("\n".join))
def test_text_without_a_credential_is_not_touched(text: str) -> None:
    assert redact(text) == text


ANYTHING = st.lists(
    ordinary_lines() | leaks().map(lambda leak: leak.line) | st.text() | st.sampled_from([*REPEATABLE, "\n", " ", ":"])
).map("".join)


@given(ANYTHING | raw_output().map(lambda raw: raw.decode("utf-8", "replace")))
@example("BEARER://:https://host:8080/pkg@1.2")
@example("Bearer https://u:p@h/x AKIAABCDEFGHghp_a1a1a1a1a1a1a1a1a1a1")
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text)

    assert redact(once) == once


@given(st.lists(ANYTHING.filter(lambda text: "\n" not in text), min_size=1), st.lists(secrets()))
def test_every_line_is_redacted_as_if_it_stood_alone(lines: list[str], known: list[str]) -> None:
    lines = [line.replace("\n", " ") for line in lines]
    redactor = Redactor(known)

    assert redactor("\n".join(lines)).split("\n") == [redactor(line) for line in lines]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("https://u:p@h/x", "https://REDACTED@h/x"),
        ("HTTPS://token@h", "HTTPS://REDACTED@h"),
        ("://:pw@h", "://REDACTED@h"),
        ("redis://:p@ss@h:1/0", "redis://REDACTED@h:1/0"),
        ("https://u:p/a?b#c@h/x", "https://REDACTED@h/x"),
        ("https://u:12345@h/x", "https://REDACTED@h/x"),
        ("https://a.com,https://u:p@b.com", "https://a.com,https://REDACTED@b.com"),
        ("https://t1@a.com,https://t2@b.com", "https://REDACTED@a.com,https://REDACTED@b.com"),
        ("git+ssh://git@github.com:o/r.git@v1", "git+ssh://REDACTED@github.com:o/r.git@v1"),
        # The last "@" of the word, even where that hides a host: the password may have gone on to there.
        ("https://u:p@h/pkg@1.2", "https://REDACTED@1.2"),
    ],
)
def test_userinfo_is_masked_up_to_its_last_at_sign(line: str, shown: str) -> None:
    assert redact(line) == shown


@pytest.mark.parametrize(
    "line",
    [
        "https://host:8080/pkg@1.2",
        "https://medium.com/@user",
        "https://cdn/npm/pkg@1.2.3",
        "http://[::1]:8080/pkg@1",
        "https://a.com,https://b.com/@user",
        '{"url":"https://host","mail":"a@b.c"}',
        "git@github.com:owner/repo.git",
        "https://github.com/owner/repo mail a@b.c",
    ],
)
def test_a_url_without_userinfo_stays_as_it_is(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("task-sk-ABCDEFGHIJ0123456789", "task-REDACTED"),
        ("\x1b[31msk-ABCDEFGHIJ0123456789\x1b[0m", "\x1b[31mREDACTED\x1b[0m"),
        ("\x1b[38;5;208msk-ABCDEFGHIJ0123456789", "\x1b[38;5;208mREDACTED"),
        (r"key:\nsk-ABCDEFGHIJ0123456789\n", r"key:\nREDACTED\n"),
        ("key%3Dsk-ABCDEFGHIJ0123456789", "key%3DREDACTED"),
        ("sk-abcdefghijklmnopqrstuvwxyz", "REDACTED"),
        ("AKIAIOSFODNN7EXAMPLE,ASIAIOSFODNN7EXAMPLE", "REDACTED,REDACTED"),
    ],
)
def test_a_key_is_known_by_its_prefix_where_a_word_begins(line: str, shown: str) -> None:
    assert redact(line) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("bearer of bad news", "bearer of bad news"),
        ("Bearer authentication required", "Bearer authentication required"),
        ("the Bearer tokens, the Bearer token is", "the Bearer tokens, the Bearer token is"),
        ("Bearer my-secret-token.", "Bearer REDACTED."),
        ("bearer: s3cr3t", "bearer: REDACTED"),
        ("Bearer token abc123 expired", "Bearer token REDACTED expired"),
        ('"Bearer abc.def-ghi=="', '"Bearer REDACTED"'),
        ("✓ BEARER abc123", "✓ BEARER REDACTED"),
    ],
)
def test_bearer_is_followed_by_a_token_or_by_prose(line: str, shown: str) -> None:
    assert redact(line) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("authorization = request.headers.get(name)", "authorization = request.headers.get(name)"),
        ("Authorization::new()", "Authorization::new()"),
        ("no authorization", "no authorization"),
        ("authorization=Basic abc", "authorization=REDACTED"),
        ("(b'Authorization', b'Basic abc')", "(b'Authorization', REDACTED"),
        ('"Authorization"=>"x"', '"Authorization"=>REDACTED'),
        ("✓ AuThOrIzAtIoN: x\r", "✓ AuThOrIzAtIoN: REDACTED\r"),
    ],
)
def test_program_text_about_the_header_stays_readable(line: str, shown: str) -> None:
    assert redact(line) == shown


@given(secrets(SECRET_MIN_CHARACTERS), st.lists(ordinary_lines()).map("\n".join))
def test_a_known_secret_is_masked_by_value_even_inside_a_word(secret: str, text: str) -> None:
    shown = Redactor([secret])(f"{text} x{secret}x{secret}")

    assert secret not in shown
    assert shown.endswith("xREDACTEDxREDACTED")


def test_a_known_secret_that_holds_another_is_masked_whole() -> None:
    assert Redactor(["inner-secret", "outer-inner-secret-outer"])("outer-inner-secret-outer") == "REDACTED"


def test_each_line_of_a_known_secret_is_masked() -> None:
    assert Redactor(["first-part\r\nsecond-part\n"])("a\nfirst-part\nsecond-part") == "a\nREDACTED\nREDACTED"


WORDS = ["dummy", "demotok", "password", "Not-Needed", "CHANGE_ME", "change me", "sk-no-key-required", "a.b.c.d.e.f.g"]


@pytest.mark.parametrize("value", WORDS)
def test_a_word_that_files_may_have_is_masked_in_output_only(value: str) -> None:
    text = f"set it to {value}, if you like"
    redactor = Redactor([value])

    assert not looks_like_a_credential(value)
    assert redactor.mask(text) == text
    assert not redactor.knows(text)
    assert value not in redactor.redact(text)


@pytest.mark.parametrize(
    "value",
    ["hunter22", "swordFish", "4711-4712", "kqxzjvwpmnbgtrcd", "correct-horse-battery-staple", "schlüssel", "0" * 64],
)
def test_a_credential_is_masked_in_files_too(value: str) -> None:
    redactor = Redactor([value])

    assert redactor.mask(f"x{value}x") == f"x{MASK}x"
    assert redactor.knows(f"x{value}x")


@given(st.lists(st.text(max_size=30), max_size=3), st.text())
def test_what_is_masked_is_what_is_known(secrets: list[str], text: str) -> None:
    redactor = Redactor(secrets)

    assert (redactor.mask(text) != text) == redactor.knows(text)


@pytest.mark.parametrize("value", ["", " ", "main", "lm-studio", "DACTE"])
def test_a_value_that_is_no_secret_is_passed_over(value: str) -> None:
    text = "the main branch is analysed by lm-studio, REDACTED"

    assert Redactor([value])(text) == text
