"""The process that holds the embedded model. Started by the supervisor; says its port as one line of JSON, and dies with its parent."""

import argparse
import ctypes
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

KEY_VARIABLE = "AGENTOS_LOCAL_MODEL_KEY"
ALIAS = "smollm2"
CONTEXT = 8192  # tokens, shared by the slots
SLOTS = 4
NICENESS = 5  # the web process goes first
PARENT_CHECK = 1.0  # seconds

PR_SET_PDEATHSIG = 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True, help="process to die with")
    options = parser.parse_args()
    die_with(options.parent)
    os.nice(NICENESS)

    # The model's threads inherit this mask: the signal is for the main thread, which ends the server in order.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    server = serve(options.model, os.environ.pop(KEY_VARIABLE))
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    report({"port": int(server.listening_address.rpartition(":")[2])})
    while os.getppid() == options.parent and not stopping.wait(PARENT_CHECK):
        pass
    del server
    return 0


def serve(model: Path, key: str) -> Any:
    """Load the model and listen on a free port of loopback."""
    import xllamacpp

    return xllamacpp.Server(parameters(xllamacpp, model, key))


def parameters(xllamacpp: ModuleType, model: Path, key: str) -> Any:
    threads = max(1, os.cpu_count() or 1)
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {ALIAS}
    params.api_keys = [key]
    params.port = 0
    params.n_ctx = CONTEXT
    params.n_parallel = SLOTS
    params.kv_unified = True  # one slot may use the whole context
    params.cache_ram_mib = 64  # of prompts seen before; by itself it would take 8 GiB
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.ui = False
    params.verbosity = 1
    return params


def die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies (Linux); elsewhere the main loop notices."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("The parent has gone already.")


def report(line: dict[str, int]) -> None:
    """Say the line, then let go of stdout: nobody reads it any more."""
    print(json.dumps(line), flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    sys.exit(main())
