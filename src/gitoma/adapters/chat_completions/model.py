"""The language model behind a chat completions server, for the agents.

Small local models and their servers have habits, and each is met here once:

* Only the fields that every server knows are sent. Others make some of them fail.
* A server that does not take `response_format` is not asked for it again.
* Where a schema is asked for, some servers put the answer into the model's reasoning. It is taken from there.
* A model that reasons at length is asked, from its second question on, to answer at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import msgspec

from gitoma.adapters.chat_completions import failures, listing
from gitoma.adapters.chat_completions.address import Address
from gitoma.adapters.chat_completions.answers import Said
from gitoma.adapters.chat_completions.client import Client, Notice, Sleep, tokens_of
from gitoma.adapters.chat_completions.patience import Limits
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import ChatReply, ChatRequest, LanguageModel, ModelFacts, Role
from gitoma.domain.clock import Clock

_LIMITS = Limits()
_NO_THINK = "\n/no_think"
_ANSWER_ONLY = "\nGive the final answer only, without reasoning before it."
_THOUGHT_MARKS = ("<think>", "</think>")


@dataclass(frozen=True, slots=True)
class _Models:
    main: str
    critic: str

    def of(self, role: Role) -> str:
        return self.critic if role is Role.CRITIC else self.main


class ChatCompletionsModel(LanguageModel):
    """The model at `base_url`.

    Args:
        base_url: Up to and including `/v1`.
        api_key: Sent as a Bearer token.
        model: Its id, or the end of it behind a slash; None: the first that the server lists.
        critic: The same for the critic; None: the same model.
        context_tokens: How much a question and its answer may take together, unless the server says that it is less.
        max_tokens: The longest answer that is asked for; None: what each question wants.
        no_think: Ask a model that reasons to answer at once.
        allow_http: Speak plain http also with servers that are not on a private network.
        clock: Tells the time.
        sleep: Waits so many seconds.
        notice: Is told, in a line, that and why we wait.
        redact: Takes credentials out of the server's words.
        remaining: How many seconds are left for the work as a whole; a running answer is stopped when none is.
        limits: How long one answer may keep us waiting.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str | None,
        critic: str | None,
        context_tokens: int,
        max_tokens: int | None,
        no_think: bool,
        allow_http: bool,
        clock: Clock,
        sleep: Sleep,
        notice: Notice,
        redact: failures.Redact,
        remaining: Callable[[], float] = lambda: inf,
        limits: Limits = _LIMITS,
    ) -> None:
        self._wanted = (model, critic)
        self._context_tokens = context_tokens
        self._max_tokens = max_tokens
        self._no_think = no_think
        self._clock = clock
        self._notice = notice
        self._redact = redact
        self._client = Client(
            address=Address.parse(base_url, api_key),
            allow_http=allow_http,
            clock=clock,
            sleep=sleep,
            notice=notice,
            remaining=remaining,
            redact=redact,
            limits=limits,
        )
        self._models: _Models | None = None
        self._takes_schemas = True
        self._reasoners: set[str] = set()

    def facts(self) -> ModelFacts:
        """See the port. The context is what may be counted on: the configured one, or less if the server takes less."""
        listed = self._listed()
        model, critic = self._wanted
        main = listing.chosen(model, "LM_STUDIO_MODEL", listed)
        self._models = _Models(main, listing.chosen(critic, "CRITIC_MODEL", listed) if critic else main)
        said = self._contexts()
        taken = [said[name] for name in (self._models.main, self._models.critic) if name in said]
        return ModelFacts(main, listed, min([self._context_tokens, *taken]))

    def complete(self, request: ChatRequest) -> ChatReply:
        """See the port."""
        if self._models is None:
            self.facts()
        assert self._models is not None
        model = self._models.of(request.role)
        start = self._clock.now().monotonic
        said = self._said(request, model)
        reasoned = bool(said.reasoning.strip()) or any(mark in said.text for mark in _THOUGHT_MARKS)
        if reasoned:
            self._reasoners.add(model)
        from_reasoning = not said.text.strip() and request.schema is not None
        text = said.reasoning if from_reasoning else said.text
        tokens = said.tokens or tokens_of(len(said.text) + len(said.reasoning))
        if not text.strip():
            raise failures.empty(reasoned=reasoned, spent_tokens=tokens)
        return ChatReply(
            text=text,
            finish=said.finish,
            from_reasoning=from_reasoning,
            reasoned=reasoned,
            completion_tokens=tokens,
            model=model,
            elapsed_s=self._clock.now().monotonic - start,
        )

    def _said(self, request: ChatRequest, model: str) -> Said:
        try:
            return self._client.ask(self._question(request, model))
        except failures.Refused as refusal:
            if request.schema is None or not self._takes_schemas or not failures.names_schemas(refusal.text):
                raise self._error(refusal, model, request.role) from None
        self._takes_schemas = False
        self._notice("the model server takes no response_format: going on without")
        try:
            return self._client.ask(self._question(request, model))
        except failures.Refused as refusal:
            raise self._error(refusal, model, request.role) from None

    def _question(self, request: ChatRequest, model: str) -> bytes:
        system, user = request.system, request.user
        if self._no_think and model in self._reasoners:
            system, user = system + _ANSWER_ONLY, user + _NO_THINK
        question: dict[str, object] = {
            "model": model,
            "messages": [{"role": "system", "content": _clean(system)}, {"role": "user", "content": _clean(user)}],
            "temperature": request.temperature,
            "max_tokens": min(request.max_tokens, self._max_tokens or request.max_tokens),
            "stream": True,
        }
        if request.schema is not None and self._takes_schemas:
            name, schema = request.schema
            wanted = {"name": name, "strict": True, "schema": schema}
            question["response_format"] = {"type": "json_schema", "json_schema": wanted}
        return msgspec.json.encode(question)

    def _error(self, refusal: failures.Refused, model: str, role: Role) -> AgentError:
        if refusal.status == 404:
            return failures.missing(model, self._variable(role), self._listed())
        if refusal.status == 200:
            return failures.complaint("the model server sent an error", refusal.text, self._redact)
        return failures.of_status(refusal.status, refusal.text, self._redact)

    def _variable(self, role: Role) -> str:
        """Where the operator wrote which model answers."""
        _, critic = self._wanted
        return "CRITIC_MODEL" if critic and role is Role.CRITIC else "LM_STUDIO_MODEL"

    def _listed(self) -> tuple[str, ...]:
        status, body = self._client.get(f"{self._client.address.path}/models")
        if status == 404:
            raise failures.no_model_server()
        if status != 200:
            raise failures.of_status(status, failures.words(body), self._redact)
        return listing.ids(body)

    def _contexts(self) -> dict[str, int]:
        try:
            status, body = self._client.get(f"{self._client.address.native_path}/models")
        except AgentError as error:
            if error.code is not Code.MODEL_UNAVAILABLE:
                raise
            return {}  # only LM Studio has this page; another server may do with the question what it likes
        return listing.contexts(body) if status == 200 else {}


def _clean(text: str) -> str:
    """Names of files may hold bytes that are no text, as lone surrogates; JSON has no place for those."""
    return text.encode("utf-8", "replace").decode()
