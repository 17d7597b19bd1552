"""Jobs get an allow-list of the server's environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.posix.environment import job_environment

NAMES = st.one_of(
    st.text(min_size=1, max_size=20),
    st.sampled_from(["GITOMA_API_TOKEN", "GITOMA_JOB_ID", "PATH", "DATABASE_URL", "GIT_SSL_CAINFO", "LC_ALL"]),
)
ENVIRONMENTS = st.dictionaries(NAMES, st.text(max_size=10))


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
        *("HTTP_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("GIT_CONFIG_COUNT", "GIT_SSH_COMMAND", "GITHUB_TOKEN", "GITHUB_API_URL"),
        *("LM_STUDIO_BASE_URL", "CRITIC_MODEL", "BOT_NAME", "GITOMA_HOME"),
    ],
)
def test_a_job_inherits_what_is_on_the_list(name):
    assert job_environment({name: "value"}, "1") == {name: "value", "GITOMA_JOB_ID": "1"}


@pytest.mark.parametrize(
    "name",
    [
        *("DATABASE_URL", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "PYTHONPATH", "OPENAI_API_KEY"),
        *("path", "XPATH", "PATHX", "GITHUB_TOKEN_2", "GITHUB_ACTIONS", "MY_GIT_TOKEN", "LC", "PROXY", "SSL_CERT", ""),
    ],
)
def test_a_job_inherits_nothing_else(name):
    assert job_environment({name: "value"}, "1") == {"GITOMA_JOB_ID": "1"}


def test_the_operator_can_name_further_variables_each_in_full():
    server = {"NPM_TOKEN": "a", "NPM_TOKEN_2": "b"}

    assert job_environment(server, "1", also=["NPM_TOKEN", "NPM_*"]) == {"NPM_TOKEN": "a", "GITOMA_JOB_ID": "1"}


@given(ENVIRONMENTS, st.sets(NAMES))
def test_the_token_of_the_server_never_reaches_a_job(server, also):
    environment = job_environment({**server, "GITOMA_API_TOKEN": "secret"}, "1", also={*also, "GITOMA_API_TOKEN"})

    assert "GITOMA_API_TOKEN" not in environment


@given(ENVIRONMENTS, st.uuids().map(str))
def test_a_job_finds_its_own_id_even_where_the_server_is_a_job_itself(server, job_id):
    environment = job_environment({**server, "GITOMA_JOB_ID": "the server's"}, job_id)

    assert environment["GITOMA_JOB_ID"] == job_id


@given(ENVIRONMENTS, st.sets(NAMES))
def test_what_a_job_inherits_is_unchanged(server, also):
    environment = job_environment(server, "1", also=also)

    assert {name: value for name, value in environment.items() if name != "GITOMA_JOB_ID"}.items() <= server.items()
