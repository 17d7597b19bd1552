"""Any model server that speaks the OpenAI-compatible protocol: LM Studio, Ollama, llama.cpp, vLLM and others.

`health` asks it for its models, for the server's health; `model` asks it questions, for the agents. What it answers is
data that nobody vouches for: its length, its form and its time are bounded, and nothing of it is obeyed. Redirects are
not followed, and the environment's proxies are not used: the server is nearly always on this machine or near it.
"""
