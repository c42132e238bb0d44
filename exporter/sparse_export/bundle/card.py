"""README.md of a bundle: what it is, how far it is from PyTorch, and how to run it."""

from __future__ import annotations

from pathlib import Path
from string import Template

from sparse_client.bundle.manifest import MANIFEST, Manifest
from sparse_export.bundle.report import host_line, parity_rows, precision_of, pruning_rows, quality_rows

TEXT = Template("""\
# $name: a sparse text encoder for ONNX Runtime

Family $family, precision $precision, $dimension dimensions, exported from `$source`$revision.
$taken in, the active dimensions of a text out, strongest first. Runs in any ONNX Runtime.
$notes
| file | what it is |
| --- | --- |
$files

## Parity with PyTorch

$parity

Measured on $host.
$pruning$quality
## Python

```python
$python
```

The same with batches, decoding and much else: `pip install 'sparse-export[cpu]'`, then

```python
from sparse_client import LocalEncoder

encoder = LocalEncoder(".")
$client
```

## Elsewhere

* Node: the npm package `sparse-client`, or `onnxruntime-node` with the same inputs (BigInt64Array) and outputs.
* C++, C#, Java, Go, Rust: any ONNX Runtime binding, and a binding of the `tokenizers` library. Prepend the route's
  prompt from manifest.json to each text, and replay golden.jsonl before going live.
* Triton: `sparse-export triton BUNDLE --repository DIR` writes a model repository.

Licence: that of the checkpoint `$source`.
""")
PAIRS = "`indices` int32, `values` float32 [batch, active]"
OUTPUTS = {"sparse": PAIRS, "dense": "`sentence_embedding` float32 [batch, dimension]"}
TOKENS = "`input_ids`, `attention_mask` int64 [batch, sequence]"
# What a file is, for those that a bundle has.
FILES = {
    "document.onnx": "$inputs -> $outputs",
    "query.onnx": f"$queries: {TOKENS} -> {PAIRS}",
    "query_table.safetensors": "the table behind it: `weights` float32 [dimension]",
    "query_table.json": "the same table, {token: weight}",
    "decode.onnx": "`indices`, `values` -> $decoded",
    "tokenizer.json": "the tokenizer: truncation to $max_length tokens and padding are set",
    "query_tokenizer.json": "the tokenizer of queries",
    "tokenizer": "files of the tokenizer, for its class in transformers",
    "query_tokenizer": "files of the tokenizer of queries",
    "golden.jsonl": "texts with PyTorch's token ids and vectors, to prove any client",
    "manifest.json": "everything above for machines, with checksums",
}
# Some ten lines without this project: the contract is this small.
TEXTS = """\
import json, numpy as np, onnxruntime, tokenizers

routes = json.load(open("manifest.json", encoding="utf-8"))["routes"]
tokenizer = {name: tokenizers.Tokenizer.from_file(route["tokenizer"]) for name, route in routes.items()}
session = {name: onnxruntime.InferenceSession(route["graph"]) for name, route in routes.items()}
for line in open("golden.jsonl", encoding="utf-8"):
    golden = json.loads(line)
    name, route = golden["route"], routes[golden["route"]]
    text, special = route["prompt"] + golden["text"], route["add_special_tokens"]
    encoding = tokenizer[name].encode(text, add_special_tokens=special)
    ids, mask = (np.array([part], dtype=np.int64) for part in (encoding.ids, encoding.attention_mask))
    assert encoding.ids == golden["input_ids"]
    inputs = {"input_ids": ids, "attention_mask": mask}
"""
TOKEN_IDS = """\
import json, numpy as np, onnxruntime

routes = json.load(open("manifest.json", encoding="utf-8"))["routes"]
session = {name: onnxruntime.InferenceSession(route["graph"]) for name, route in routes.items()}
for line in open("golden.jsonl", encoding="utf-8"):
    golden = json.loads(line)
    name, ids = golden["route"], np.array([golden["input_ids"]], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
"""
EMBEDDINGS = """\
import json, numpy as np, onnxruntime

session = {"document": onnxruntime.InferenceSession("document.onnx")}
for line in open("golden.jsonl", encoding="utf-8"):
    golden = json.loads(line)
    name, inputs = "document", {"embedding": np.array([golden["embedding"]], dtype=np.float32)}
"""
RUN = {
    "sparse": """\
    (indices,), (values,) = session[name].run(["indices", "values"], inputs)
    print(golden["text"][:40], indices[:3], golden["indices"][:3], values[:3], golden["values"][:3])""",
    "dense": """\
    ((weights,),) = session[name].run(["sentence_embedding"], inputs)
    strongest = np.argsort(-weights)[:3]
    print(golden["text"][:40], strongest, golden["indices"][:3], weights[strongest], golden["values"][:3])""",
}
DECODED = "print(encoder.decode(vectors, top=10))"
RECONSTRUCTED = "print(vectors, encoder.reconstruct(vectors).shape)  # features have no words"
PRUNED = """
## Pruned vocabulary

Indices are those of the whole vocabulary, but some never appear: texts that were given with the export did not need
them. The table above is about texts that keep all of theirs; what others lose is measured here, in float.

"""
TARGETS = {
    "fp16": "\nHalf precision is for GPU and WebGPU; on a CPU it is slower than fp32.\n",
    "vnni": "\nOn x86 with AVX2 and without VNNI its 8-bit products saturate, and vectors are wrong, unless a session\n"
    "sets `session.x64quantprecision` to `1`. sparse-client does so; exports without `--cpu vnni` need nothing.\n",
}


def write(folder: Path, manifest: Manifest) -> None:
    """Write README.md from the manifest."""
    source, texts, features = manifest.source, manifest.input == "tokens", manifest.autoencoder
    assert source is not None  # every export knows it
    assert manifest.proven_on is not None
    inputs = f"`embedding` float32 [batch, {features.input_dim}]" if features and not texts else TOKENS
    calls = 'encode_documents(["The weather is lovely today."])', "encode_embeddings(embeddings)  # float32"
    text = TEXT.substitute(
        name=Path(source.id).name,
        source=source.id,
        revision=f" at revision {source.revision}" if source.revision else "",
        taken="Text tokens" if texts else "Dense embeddings",
        notes=TARGETS.get(manifest.cpu or manifest.precision, "") + _features(manifest) + _tokenizer(manifest),
        files=_files(folder, inputs=inputs, outputs=_outputs(manifest), decoded=_decoded(manifest),
                     queries="the tower of queries" if manifest.query_tower else "queries as a look-up",
                     max_length=manifest.max_length),
        parity=_table(parity_rows(manifest)),
        host=host_line(manifest.proven_on),
        quality=f"\n## Retrieval quality\n\n{_table(quality_rows(manifest))}\n" if manifest.quality else "",
        pruning=PRUNED + _table([("", ""), *pruning_rows(manifest)]) + "\n" if manifest.pruning else "",
        python=_inputs(manifest) + RUN[manifest.output],
        client=f"vectors = encoder.{calls[not texts]}\n{RECONSTRUCTED if features else DECODED}",
        precision=precision_of(manifest),
        family=manifest.family,
        dimension=manifest.dimension,
    )  # fmt: skip
    (folder / "README.md").write_text(text, encoding="utf-8")


def _files(folder: Path, **facts: object) -> str:
    """Return a row for each file that is there; the manifest, which comes last, always is."""
    present = [name for name in FILES if name == MANIFEST or (folder / name).exists()]
    return "\n".join(f"| {name} | {Template(FILES[name]).substitute(facts)} |" for name in present)


def _inputs(manifest: Manifest) -> str:
    if manifest.input != "tokens":
        return EMBEDDINGS
    return TEXTS if all(route.tokenizer for route in manifest.routes.values()) else TOKEN_IDS


def _tokenizer(manifest: Manifest) -> str:
    """Return what has to be known of a tokenizer without a fast form."""
    slow = {
        route.python_tokenizer.name: route.python_tokenizer
        for route in manifest.routes.values()
        if route.python_tokenizer
    }
    return "".join(
        f"\nIts tokenizer {name} has no fast form (tokenizer.json): texts need Python with "
        f"`pip install {' '.join(['transformers', *one.packages])}`, token ids go anywhere.\n"
        for name, one in slow.items()
    )


def _outputs(manifest: Manifest) -> str:
    dense = f"; `dense` float32 [batch, {manifest.dense_dim}]" if manifest.dense_dim else ""
    return OUTPUTS[manifest.output] + dense


def _decoded(manifest: Manifest) -> str:
    if manifest.autoencoder is None:
        return "`tokens` string [batch, active]"
    return f"`embedding` float32 [batch, {manifest.autoencoder.input_dim}], the reconstruction"


def _features(manifest: Manifest) -> str:
    facts = manifest.autoencoder
    if facts is None:
        return ""
    return (
        f"\nDimensions are features of a sparse autoencoder, not tokens; {facts.dead_features} of "
        f"{manifest.dimension} are dead. decode.onnx gives the {facts.decodes_to}.\n"
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    head, *body = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ("---",) * len(head), *body])
