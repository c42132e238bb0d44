"""README.md of a bundle: what it is, how far it is from PyTorch, and how to run it."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any

from sparse_export.report import parity_rows, quality_rows

TEXT = Template("""\
# $name: a sparse text encoder for ONNX Runtime

Family $family, precision $precision, $dimension dimensions, exported from `$source`$revision.
Text tokens in, the active dimensions of a text out, strongest first. Runs in any ONNX Runtime.
$target
| file | what it is |
| --- | --- |
| document.onnx | `input_ids`, `attention_mask` int64 [batch, sequence] -> $outputs |
| decode.onnx | `indices`, `values` -> `tokens` string [batch, active] |
| tokenizer.json | the tokenizer: truncation to $max_length tokens and padding are set |
| golden.jsonl | texts with PyTorch's token ids and vectors, to prove any client |
| manifest.json | everything above for machines, with checksums |

## Parity with PyTorch

$parity
$quality
## Python

```python
$python
```

The same with batches, prompts and decoding: `pip install 'sparse-client[local]'`, then

```python
from sparse_client import LocalEncoder

encoder = LocalEncoder(".")
print(encoder.decode(encoder.encode_documents(["The weather is lovely today."]), top=10))
```

## Elsewhere

* Node: `onnxruntime-node` with the same inputs (BigInt64Array) and outputs, `@huggingface/tokenizers` for the texts.
* C++, C#, Java, Go, Rust: any ONNX Runtime binding, and a binding of the `tokenizers` library. Prepend the route's
  prompt from manifest.json to each text, and replay golden.jsonl before going live.
* Triton: put document.onnx into `NAME/1/model.onnx` of a model repository, backend `onnxruntime`.

Licence: that of the checkpoint `$source`.
""")
# Ten lines without this project: the contract is this small.
PYTHON = """\
import json, numpy as np, onnxruntime, tokenizers

tokenizer = tokenizers.Tokenizer.from_file("tokenizer.json")
session = onnxruntime.InferenceSession("document.onnx")
for line in open("golden.jsonl", encoding="utf-8"):
    golden = json.loads(line)
    encoding = tokenizer.encode(PROMPTS[golden["route"]] + golden["text"])
    ids, mask = (np.array([part], dtype=np.int64) for part in (encoding.ids, encoding.attention_mask))
    (indices,), (values,) = session.run(["indices", "values"], {"input_ids": ids, "attention_mask": mask})
    assert encoding.ids == golden["input_ids"]
    print(golden["text"][:40], indices[:3], golden["indices"][:3], values[:3], golden["values"][:3])"""
TARGETS = {"fp16": "\nHalf precision is for GPU and WebGPU; on a CPU it is slower than fp32.\n"}


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write README.md from the content of the manifest."""
    source = content["source"]
    sparse = content["output"] == "sparse"
    text = TEXT.substitute(
        name=Path(source["id"]).name,
        source=source["id"],
        revision=f" at revision {source['revision']}" if source["revision"] else "",
        target=TARGETS.get(content["precision"], ""),
        outputs="`indices` int32, `values` float32 [batch, active]"
        if sparse
        else "`sentence_embedding` float32 [batch, dimension]",
        parity=_table(parity_rows(content)),
        quality=f"\n## Retrieval quality\n\n{_table(quality_rows(content))}\n" if content["quality"] else "",
        python=_python(content),
        **{key: content[key] for key in ("family", "precision", "dimension", "max_length")},
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _python(content: dict[str, Any]) -> str:
    """Return the script for this bundle: with its prompts, and for the output that it has."""
    code = PYTHON.replace("PROMPTS", repr(content["prompts"])) if any(content["prompts"].values()) else PYTHON
    code = code.replace('PROMPTS[golden["route"]] + ', "")
    if content["output"] == "sparse":
        return code
    return (
        code.replace(
            '(indices,), (values,) = session.run(["indices", "values"], {', "((weights,),) = session.run(None, {"
        )
        .replace("indices[:3]", "np.argsort(-weights)[:3]")
        .replace("values[:3], golden", "np.sort(weights)[::-1][:3], golden")
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    head, *body = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ("---",) * len(head), *body])
