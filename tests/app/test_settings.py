import json
import os
import string
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gitoma.app.settings import VARIABLES, Settings, load, without_credentials
from gitoma.domain.errors import InvalidSetting

NAMES = ["GITOMA_HOME", *(variable.name for variable in VARIABLES)]
SECRETS = [variable.name for variable in VARIABLES if variable.secret]
NUMBERS = [
    "GITOMA_JOB_TIMEOUT_S",
    "GITOMA_CANCEL_GRACE_S",
    "GITOMA_JOB_TTL_S",
    "GITOMA_MAX_JOBS",
    "GITOMA_MAX_RUNNING",
    "GITOMA_MAX_QUEUED",
    "GITOMA_DISPATCH_RATE_LIMIT",
]
WHOLE = [name for name in NUMBERS if not name.endswith("_S")]
URLS = ["GITHUB_API_URL", "LM_STUDIO_BASE_URL"]
ORIGINS = ["GITOMA_CORS_ORIGINS", "GITOMA_WS_ALLOWED_ORIGINS"]
FIELD = {"GITOMA_HOME": "home"} | {variable.name: variable.field for variable in VARIABLES}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def value_of(name: str, written: str) -> object:
    return getattr(load({"GITOMA_HOME": "/nowhere", name: written}), FIELD[name])


def refusal_of(name: str, written: str) -> str:
    with pytest.raises(InvalidSetting) as caught:
        load({"GITOMA_HOME": "/nowhere", name: written})
    assert caught.value.name == name
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 500
    return str(caught.value)


def from_file(home: Path, text: str, **environ: str) -> Settings:
    (home / "config.toml").write_text(text)
    return load({"GITOMA_HOME": str(home), **environ})


def test_the_defaults_are_those_of_the_contract() -> None:
    found = load({"HOME": "/home/ada"})

    assert {each.name: getattr(found, each.name) for each in fields(Settings) if each.name != "sources"} == {
        "home": Path("/home/ada/.gitoma"),
        "api_token": None,
        "allowed_hosts": ("localhost", "127.0.0.1", "[::1]", "*.local", "testserver"),
        "cors_origins": (),
        "ws_allowed_origins": (),
        "agent_command": (sys.executable, "-m", "gitoma"),
        "job_timeout_s": 3600.0,
        "cancel_grace_s": 5.0,
        "job_ttl_s": 900.0,
        "max_jobs": 50,
        "max_running": 50,
        "max_queued": 1000,
        "job_env": (),
        "dispatch_rate_limit": 600,
        "github_token": None,
        "github_api_url": "https://api.github.com",
        "lm_studio_base_url": "http://localhost:1234/v1",
        "lm_studio_model": None,
        "critic_model": None,
        "lm_studio_api_key": "lm-studio",
        "lm_studio_max_tokens": None,
        "llm_context": 8192,
        "llm_no_think": True,
        "llm_allow_http": False,
        "bot_name": "gitoma",
        "bot_email": "gitoma@users.noreply.github.com",
        "run_critic": False,
        "review_trust": "members",
        "fix_ci_direct": False,
        "agent_max_s": None,
        "agent_max_calls": None,
        "agent_max_tokens": None,
    }
    assert {found.source(field) for field in FIELD.values()} == {"default"}


def test_the_environment_comes_before_the_file_and_the_file_before_the_default(home: Path) -> None:
    found = from_file(home, "GITOMA_MAX_JOBS = 7\nGITOMA_MAX_RUNNING = 7\n", GITOMA_MAX_JOBS="8")

    assert (found.max_jobs, found.source("max_jobs")) == (8, "environment")
    assert (found.max_running, found.source("max_running")) == (7, "config.toml")
    assert (found.max_queued, found.source("max_queued")) == (1000, "default")
    assert found.source("home") == "environment"


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
@pytest.mark.parametrize("name", NAMES)
def test_blank_is_unset(name: str, blank: str) -> None:
    assert load({"HOME": "/home/ada", name: blank}) == load({"HOME": "/home/ada"})


def test_blank_is_unset_in_the_file_too_and_a_blank_variable_leaves_the_file_its_say(home: Path) -> None:
    found = from_file(
        home, 'GITOMA_API_TOKEN = " "\nGITOMA_MAX_JOBS = 7\nGITOMA_CORS_ORIGINS = []', GITOMA_MAX_JOBS=" "
    )

    assert (found.api_token, found.max_jobs, found.cors_origins) == (None, 7, ())


@pytest.mark.parametrize("name", ["GITOMA_ALLOWED_HOSTS", "GITOMA_JOB_ENV", *ORIGINS])
def test_a_list_without_entries_is_unset(name: str) -> None:
    assert load({name: " , ,, "}) == load({})


def test_variables_that_are_none_of_ours_are_let_be() -> None:
    assert load({"GITOMA_MAX_CALLS": "x", "GITOMA_JOB_ID": "", "WEB_CONCURRENCY": "4"}) == load({})


# Numbers


@pytest.mark.parametrize(
    "written",
    [
        *("nan", "inf", "-inf", "infinity", "-1", "-0.5", "+5", "1e400", "1e3", "1_000", "٣", "\N{SUPERSCRIPT TWO}"),
        *("0x10", "5 s", "5,0", ".", "1.2.3", "9" * 5000, "1000000001", "five", "\x00", "5\x005"),
    ],
)
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_makes_no_sense_is_refused_in_one_line(name: str, written: str) -> None:
    message = refusal_of(name, written)

    assert repr(written[:80])[:-1] in message


@pytest.mark.parametrize("name", ["GITOMA_MAX_RUNNING", "GITOMA_MAX_JOBS", "GITOMA_JOB_TIMEOUT_S"])
@pytest.mark.parametrize("written", ["0", "00"])
def test_some_numbers_are_above_zero(name: str, written: str) -> None:
    refusal_of(name, written)


@pytest.mark.parametrize("written", ["0.0", "0.", "." + "0" * 400 + "1"])
def test_the_job_timeout_is_above_zero_however_it_is_written(written: str) -> None:
    refusal_of("GITOMA_JOB_TIMEOUT_S", written)


@pytest.mark.parametrize(
    "name", ["GITOMA_CANCEL_GRACE_S", "GITOMA_JOB_TTL_S", "GITOMA_MAX_QUEUED", "GITOMA_DISPATCH_RATE_LIMIT"]
)
def test_some_numbers_may_be_zero(name: str) -> None:
    assert value_of(name, "0") == 0


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("written", ["1.0", "1.", ".5"])
def test_a_count_is_a_whole_number(name: str, written: str) -> None:
    assert "whole number" in refusal_of(name, written)


@given(st.sampled_from(WHOLE), st.integers(1, 10**9), st.integers(0, 3))
def test_a_count_is_read_as_it_is_written(name: str, count: int, zeros: int) -> None:
    assert value_of(name, f" {'0' * zeros}{count} ") == count


@given(st.decimals("0.001", 10**9, places=3))
def test_a_duration_is_decimal_seconds(duration: object) -> None:
    assert value_of("GITOMA_JOB_TIMEOUT_S", str(duration)) == float(str(duration))


@pytest.mark.parametrize(
    "written", ["true", "nan", "inf", "-1", "1e10", "[1]", "2026-04-21", "{a = 1}", '"x"', "9" * 50]
)
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_of_the_file_must_make_sense_too(name: str, written: str, home: Path) -> None:
    with pytest.raises(InvalidSetting) as caught:
        from_file(home, f"{name} = {written}")

    assert caught.value.name == name
    assert "config.toml" in str(caught.value)


@pytest.mark.parametrize("written", ["2.5", '"2.5"'])
def test_a_number_of_the_file_may_be_a_number_or_text(written: str, home: Path) -> None:
    assert from_file(home, f"GITOMA_CANCEL_GRACE_S = {written}").cancel_grace_s == 2.5


# Tokens


@pytest.mark.parametrize("written", ["two words", "tab\tinside", "new\nline", "bell\x07", "delete\x7f"])
@pytest.mark.parametrize("name", SECRETS)
def test_a_token_that_cannot_be_presented_is_refused_and_not_shown(name: str, written: str) -> None:
    message = refusal_of(name, written)

    assert written.split()[0] not in message


def test_our_own_token_may_hold_what_is_not_ascii() -> None:
    assert load({"GITOMA_API_TOKEN": " pässwört "}).api_token_bytes == "pässwört".encode()
    assert load({"GITOMA_API_TOKEN": os.fsdecode(b"\xff\xfe")}).api_token_bytes == b"\xff\xfe"
    assert load({}).api_token_bytes is None


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "LM_STUDIO_API_KEY"])
def test_a_token_for_others_is_visible_ascii(name: str) -> None:
    assert value_of(name, " sk-123 ") == "sk-123"
    assert "pässwört" not in refusal_of(name, "pässwört")


@pytest.mark.parametrize("name", SECRETS)
def test_a_token_of_the_file_is_text_and_not_shown_if_it_is_not(name: str, home: Path) -> None:
    with pytest.raises(InvalidSetting) as caught:
        from_file(home, f"{name} = [4711]")

    assert "4711" not in str(caught.value)


def test_secrets_are_in_no_repr() -> None:
    found = load(
        {
            "GITOMA_API_TOKEN": "hunter2-a",
            "GITHUB_TOKEN": "hunter2-b",
            "LM_STUDIO_API_KEY": "hunter2-c",
            "LM_STUDIO_BASE_URL": "http://user:hunter2-d@host/v1",
            "GITHUB_API_URL": "http://user:hunter2-e@host/",
            "GITOMA_AGENT_COMMAND": "agent --key hunter2-f",
        }
    )

    assert "hunter2" not in repr(found)
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    ("written", "secrets"),
    [
        ("https://me:pass%2Fword@host/v1", ("pass%2Fword", "pass/word")),
        ("https://me:password@host/v1", ("password",)),
        ("https://a-token@host/v1", ("a-token",)),
        ("https://host/v1", ()),
    ],
)
def test_what_is_secret_of_a_url_is_one_of_the_secrets(name: str, written: str, secrets: tuple[str, ...]) -> None:
    without = load({}).secrets

    assert load({name: written}).secrets == (*without, *secrets)


@pytest.mark.parametrize("name", [*SECRETS, *URLS])
def test_programs_inherit_nothing_that_holds_credentials(name: str) -> None:
    assert without_credentials({name: "https://me:hunter2@host", "PATH": "/bin"}) == {"PATH": "/bin"}


# Hosts, origins, URLs


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Example.COM", ("example.com",)),
        (" a , ,b,", ("a", "b")),
        ("a:8000,[::1]:80,127.0.0.1:1", ("a", "[::1]", "127.0.0.1")),
        ("::1", ("[::1]",)),
        ("*.Example.com:443", ("*.example.com",)),
        ("*", ("*",)),
        ("a,A,a:1", ("a",)),
    ],
)
def test_hosts_are_kept_without_case_and_port(written: str, read: tuple[str, ...]) -> None:
    assert value_of("GITOMA_ALLOWED_HOSTS", written) == read


@pytest.mark.parametrize(
    "written", ["http://a", "a/b", "a b", "*.", "*a", "a.*", "**", "a,-b", "[::1", "a:x", "user@a", "ä"]
)
def test_what_is_no_host_is_refused(written: str) -> None:
    refusal_of("GITOMA_ALLOWED_HOSTS", written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://a.example", ("https://a.example",)),
        ("http://localhost:3000, https://b", ("http://localhost:3000", "https://b")),
        ("HTTPS://A.example:443,http://b:80", ("https://a.example", "http://b")),
        ("http://[::1]:3000", ("http://[::1]:3000",)),
        ("tauri://localhost", ("tauri://localhost",)),
    ],
)
@pytest.mark.parametrize("name", ORIGINS)
def test_origins_are_kept_as_browsers_send_them(name: str, written: str, read: tuple[str, ...]) -> None:
    assert value_of(name, written) == read


@pytest.mark.parametrize(
    "written",
    [
        *(
            "https://a/",
            "https://a/path",
            "https://a?q",
            "a.example",
            "//a",
            "https://",
            "null",
            "https://*.a",
            "https://a:",
        ),
        *("https://a:0", "https://a:65536", "https://a:x", "https://u:p@a", "https://a b", "https://a,*", "https://ä"),
    ],
)
@pytest.mark.parametrize("name", ORIGINS)
def test_what_is_no_exact_origin_is_refused(name: str, written: str) -> None:
    refusal_of(name, written)


def test_every_origin_is_refused_with_the_reason() -> None:
    assert "every web site" in refusal_of("GITOMA_CORS_ORIGINS", "*")


@pytest.mark.parametrize("name", URLS)
def test_a_base_url_loses_its_last_slash_only(name: str) -> None:
    assert value_of(name, " https://host:8443/api/v3/ ") == "https://host:8443/api/v3"
    assert value_of(name, "http://user:secret@[::1]:1/v1") == "http://user:secret@[::1]:1/v1"


@pytest.mark.parametrize(
    "written",
    [
        *(
            "localhost:1234",
            "ftp://host",
            "file:///etc/passwd",
            "http://",
            "http:///v1",
            "http://:80",
            "http://h:x",
            "//host",
        ),
        *(
            "http://h:99999",
            "http://h:0",
            "http://[::1",
            "http://a b",
            "http://h?q=1",
            "http://h#f",
            "http://h\n/v1",
            "http://ä",
            "http://a..b",
            "http://.a",
            f"http://{'a' * 64}",
        ),
    ],
)
@pytest.mark.parametrize("name", URLS)
def test_what_is_no_base_url_is_refused(name: str, written: str) -> None:
    refusal_of(name, written)


@pytest.mark.parametrize("name", [*URLS, *ORIGINS])
@pytest.mark.parametrize("written", ["ftp://ada:hunter2@host", "http://ada:hunter2@ho st", "http://hunter2@host/?q"])
def test_credentials_of_a_refused_url_are_not_shown(name: str, written: str) -> None:
    assert "hunter2" not in refusal_of(name, written)


# Commands, names, the home


def test_a_command_is_split_as_a_shell_splits_words(home: Path) -> None:
    assert value_of("GITOMA_AGENT_COMMAND", "agent --name 'two words' \"\" # x") == (
        *("agent", "--name", "two words", "", "#", "x"),
    )
    assert from_file(home, 'GITOMA_AGENT_COMMAND = ["my agent", "-v"]').agent_command == ("my agent", "-v")


@pytest.mark.parametrize("written", ["agent 'hunter2", 'agent "hunter2', "agent hunter2\\", "'' hunter2"])
def test_a_command_that_cannot_be_split_is_refused_and_shown(written: str) -> None:
    assert "hunter2" in refusal_of("GITOMA_AGENT_COMMAND", written)


@pytest.mark.parametrize("written", ['["agent", 1]', "7", '"a\\u0000b"', '[""]'])
def test_a_command_of_the_file_is_made_of_words(written: str, home: Path) -> None:
    with pytest.raises(InvalidSetting, match="GITOMA_AGENT_COMMAND"):
        from_file(home, f"GITOMA_AGENT_COMMAND = {written}")


def test_job_variables_are_names() -> None:
    assert value_of("GITOMA_JOB_ENV", " A ,_b2,,A") == ("A", "_b2")
    for written in ("A=1", "2A", "A B", "Ä", "A,B-C", "A*"):
        refusal_of("GITOMA_JOB_ENV", written)


@pytest.mark.parametrize("name", ["LM_STUDIO_MODEL", "CRITIC_MODEL"])
def test_a_model_is_one_line_of_text(name: str) -> None:
    assert value_of(name, " qwen/qwen3-8b ") == "qwen/qwen3-8b"
    for written in ("a\nb", "a\x1b[2J", "\udcff"):
        refusal_of(name, written)


SWITCHES = ["GITOMA_LLM_NO_THINK", "GITOMA_LLM_ALLOW_HTTP", "GITOMA_RUN_CRITIC", "GITOMA_FIX_CI_DIRECT"]


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_on_or_off(name: str, home: Path) -> None:
    for written in ("on", " ON ", "1", "true", "yes"):
        assert value_of(name, written) is True
    for written in ("off", "0", "False", "no"):
        assert value_of(name, written) is False
    assert getattr(from_file(home, f"{name} = true"), FIELD[name]) is True
    assert getattr(from_file(home, f"{name} = false"), FIELD[name]) is False
    for written in ("2", "maybe", "o n", "öff"):
        assert "on or off" in refusal_of(name, written)
    with pytest.raises(InvalidSetting, match="on or off"):
        from_file(home, f"{name} = [true]")


def test_trust_is_one_of_two_words(home: Path) -> None:
    assert value_of("GITOMA_REVIEW_TRUST", " All ") == "all"
    assert value_of("GITOMA_REVIEW_TRUST", "") == "members"
    assert "members or all" in refusal_of("GITOMA_REVIEW_TRUST", "some")
    with pytest.raises(InvalidSetting, match="members or all"):
        from_file(home, "GITOMA_REVIEW_TRUST = true")


@pytest.mark.parametrize("name", ["BOT_NAME", "BOT_EMAIL"])
def test_an_identity_is_what_git_takes_for_one(name: str) -> None:
    assert value_of(name, " Ada Lovelace ") == "Ada Lovelace"
    for written in ("a\nb", "a<b", "b>", ".,;", '""'):
        refusal_of(name, written)


@pytest.mark.parametrize("name", ["GITOMA_AGENT_MAX_CALLS", "GITOMA_AGENT_MAX_TOKENS", "LM_STUDIO_MAX_TOKENS"])
def test_a_budget_is_above_nothing(name: str) -> None:
    assert value_of(name, "") is None
    assert value_of(name, "1") == 1
    refusal_of(name, "0")


def test_the_home_may_be_relative_or_below_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert load({"GITOMA_HOME": "x/y"}).home == tmp_path / "x" / "y"
    assert load({"GITOMA_HOME": "~/y", "HOME": "/home/ada"}).home == Path("/home/ada/y")
    assert load({"GITOMA_HOME": "~", "HOME": "/home/ada"}).home == Path("/home/ada")
    assert load({"GITOMA_HOME": " /x "}).home == Path("/x")


@pytest.mark.parametrize("written", ["~nobody-of-this-name/x", "/a\nb", "/a\x00b", "/a\ud800"])
def test_a_home_that_no_path_can_be_is_refused(written: str) -> None:
    with pytest.raises(InvalidSetting, match="GITOMA_HOME"):
        load({"GITOMA_HOME": written})


def test_a_home_that_is_gone_or_a_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for home in (tmp_path / "gone", tmp_path / "file", tmp_path / "file" / "below"):
        assert load({"GITOMA_HOME": str(home)}).home == home


# The file


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("GITOMA_MAX_JOB", "did you mean GITOMA_MAX_JOBS?"),
        ("gitoma_max_jobs", "did you mean GITOMA_MAX_JOBS?"),
        ("GITOMA_HOME", "set it in the environment"),
        ("whatever", "the names of settings"),
        ('"a\\nb"', "a\\nb"),
    ],
)
def test_an_unknown_key_of_the_file_is_refused(key: str, hint: str, home: Path) -> None:
    with pytest.raises(InvalidSetting) as caught:
        from_file(home, f'{key} = "hunter2"')

    assert hint in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def malformed(path: Path) -> None:
    path.write_text('GITOMA_API_TOKEN = "hunter2')


def set_twice(path: Path) -> None:
    path.write_text('GITOMA_API_TOKEN = "hunter2"\nGITOMA_API_TOKEN = "hunter2"')


def not_utf_8(path: Path) -> None:
    path.write_bytes(b'GITOMA_API_TOKEN = "hunter2\xff"')


def too_long(path: Path) -> None:
    path.write_text("#" * 70_000)


def too_deep(path: Path) -> None:
    path.write_text("GITOMA_JOB_ENV = " + "[" * 20_000)


def too_many_digits(path: Path) -> None:
    path.write_text("GITOMA_MAX_JOBS = " + "9" * 5000)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    "make",
    [malformed, set_twice, not_utf_8, too_long, too_deep, too_many_digits, a_folder, a_fifo, a_link_to_itself],
    ids=lambda make: make.__name__,
)
def test_a_file_that_cannot_be_read_is_refused_by_name(make: Callable[[Path], None], home: Path) -> None:
    make(home / "config.toml")

    with pytest.raises(InvalidSetting) as caught:
        load({"GITOMA_HOME": str(home)})

    assert caught.value.name == str(home / "config.toml")
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_malformed_file_is_refused_with_the_line(home: Path) -> None:
    with pytest.raises(InvalidSetting, match="line 2"):
        from_file(home, "GITOMA_MAX_JOBS = 1\nGITOMA_MAX_RUNNING = one")


def test_the_file_may_be_a_link(home: Path) -> None:
    (home / "dotfiles.toml").write_text("GITOMA_MAX_JOBS = 7")
    (home / "config.toml").symlink_to("dotfiles.toml")

    assert load({"GITOMA_HOME": str(home)}).max_jobs == 7


# All together


VALID = {
    "GITOMA_API_TOKEN": st.text(string.ascii_letters + "äß€", min_size=1),
    "GITOMA_ALLOWED_HOSTS": st.sampled_from(["*", "a", "*.b"]),
    "GITOMA_CORS_ORIGINS": st.sampled_from(["https://a", "http://b:3000"]),
    "GITOMA_JOB_TIMEOUT_S": st.integers(1, 10**9).map(str),
    "GITOMA_MAX_JOBS": st.integers(1, 10**9).map(str),
    "GITHUB_TOKEN": st.text(string.ascii_letters + string.punctuation, min_size=1),
    "LM_STUDIO_BASE_URL": st.sampled_from(["http://host", "https://host:1/v1"]),
    "LM_STUDIO_MODEL": st.text(string.ascii_letters + "äß€", min_size=1),
}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({}, optional=VALID))
def test_the_file_says_the_same_as_the_environment(tmp_path: Path, written: dict[str, str]) -> None:
    lines = [f"{name} = {json.dumps(value)}" for name, value in written.items()]
    in_file = from_file(tmp_path, "\n".join(lines))
    (tmp_path / "config.toml").unlink()
    in_environment = load({"GITOMA_HOME": str(tmp_path), **written})

    for each in fields(Settings):
        if each.name != "sources":
            assert getattr(in_file, each.name) == getattr(in_environment, each.name)
    for name in written:
        assert in_file.source(FIELD[name]) == "config.toml"
        assert in_environment.source(FIELD[name]) == "environment"


ANYTHING = st.text(max_size=30) | st.text("0123456789.-+eE_,:/*'\"[]@ \\~=", max_size=20)
SECRET = "hunter2"


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), st.dictionaries(st.sampled_from(SECRETS), ANYTHING))
@example({"GITOMA_HOME": "\x00"}, {})
@example({"GITOMA_HOME": "x" * 5000}, {})
@example({"GITOMA_HOME": "~\ud800"}, {})
def test_no_text_does_worse_than_being_refused(written: dict[str, str], secrets: dict[str, str]) -> None:
    hidden = {name: SECRET + value for name, value in secrets.items()}
    try:
        found = str(load({**written, **hidden}))
    except InvalidSetting as error:
        found = str(error)

    assert len(found.splitlines()) == 1
    assert SECRET not in found


def test_settings_load_no_server_and_no_client() -> None:
    program = "import sys, gitoma.app.settings; print({'litestar', 'msgspec', 'httpx', 'uvicorn'} & sys.modules.keys())"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
