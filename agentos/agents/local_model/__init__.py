"""The embedded model: SmolLM2-135M-Instruct, served by llama.cpp in a process of its own on loopback. Optional (requirements.txt)."""
