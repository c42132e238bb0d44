"""The command sparse-export: options in, one call, tables out. Anything heavy is imported when it is needed."""

from __future__ import annotations

import contextlib
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from sparse_client.cli.group import CommandGroup
from sparse_client.errors import SparseClientError
from sparse_export.console import show_export, show_table, steps, stoppable
from sparse_export.errors import InputError, SparseExportError
from sparse_export.options import OPSETS, PRECISION_OF_QUANTIZE, PROOF_TOKENS, Cpu, ExportOptions, Output, SpecialTokens
from sparse_export.quiet import quiet_libraries
from sparse_export.triton.options import MAX_TEXT_BYTES, RepositoryOptions

PORT = click.IntRange(0, 65535)

# Names of the library that are spelled otherwise in the command, or are words that an error may use for something else.
SPELLINGS = {
    "form=dense": "--dense",
    "precision=": "--quantize ",
    "cpu=": "--cpu ",
    "force=True": "--force",
    "trust_remote_code=True": "--trust-remote-code",
}
NAMES = "|".join(field.name for field in fields(ExportOptions) if "_" in field.name)
NAMED = re.compile(rf"'[^']*'|(?P<spelled>{'|'.join(SPELLINGS)})|\b(?P<name>{NAMES})\b(?P<equals>=)?")


def in_options(text: str) -> str:
    """Return an error of the library in the options of the command; what stands in quotes stays as it is."""

    def option(match: re.Match[str]) -> str:
        if match["spelled"]:
            return SPELLINGS[match["spelled"]]
        if match["name"]:
            return f"--{match['name'].replace('_', '-')}" + (" " if match["equals"] else "")
        return match[0]

    return NAMED.sub(option, text)


class _Commands(CommandGroup):
    error = (SparseExportError, SparseClientError)
    extra = "export"
    default = "export"

    def in_options(self, text: str) -> str:
        """Return an error of the library in the options of the command."""
        return in_options(text)


@click.group(cls=_Commands)
@click.version_option(package_name="sparse-export")
def main() -> None:
    """Take a sparse text encoder (SPLADE) to production: export it to ONNX, quantized and checked against PyTorch.

    \b
    sparse-export --model naver/splade-v3 --quantize int8
    sparse-export verify splade-v3-int8
    """


@main.command()
@click.option("--model", required=True, metavar="FOLDER|HUB_ID", help="SparseEncoder or masked language model.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the bundle.  [default: NAME-PRECISION]")
@click.option(
    "--quantize",
    type=click.Choice(list(PRECISION_OF_QUANTIZE)),
    default="none",
    show_default=True,
    help="none: fp32, anywhere. fp16: GPU and WebGPU. int8: CPU.",
)
@click.option(
    "--cpu",
    type=click.Choice([cpu.value for cpu in Cpu]),
    default=Cpu.ANY.value,
    show_default=True,
    help="int8: any is the same on every processor; vnni is a little closer to PyTorch, for x86 with VNNI alone.",
)
@click.option(
    "--special-tokens",
    type=click.Choice([choice.value for choice in SpecialTokens]),
    default=SpecialTokens.KEEP.value,
    show_default=True,
    help="Dimensions of special tokens such as [CLS]: keep them, as sentence-transformers does, or drop them, as "
    "OpenSearch does.",
)
@click.option("--revision", help="Branch, tag or commit of a hub id.")
@click.option("--trust-remote-code", is_flag=True, help="Run code that the checkpoint brings along.")
@click.option("--max-length", type=int, help="Tokens of a text.  [default: the checkpoint's own]")
@click.option(
    "--proof-tokens",
    type=int,
    default=PROOF_TOKENS,
    show_default=True,
    help="Tokens of the long text that is compared with PyTorch; more takes more memory.",
    metavar="N",
)
@click.option("--max-active-dims", type=int, help="Largest number of active dimensions.  [default: no limit]")
@click.option("--dense", is_flag=True, help="Return sentence_embedding [batch, dimension] instead of sorted pairs.")
@click.option("--with-dense", is_flag=True, help="token-weights: also give the dense embedding, for hybrid search.")
@click.option("--sae-only", is_flag=True, help="csr: take dense embeddings [batch, dim] instead of tokens.")
@click.option("--opset", type=click.IntRange(*OPSETS), default=OPSETS[1], show_default=True, help="ONNX opset.")
@click.option("--eval-data", type=click.Path(path_type=Path), metavar="DIR", help="BEIR folder: measure nDCG@10 too.")
@click.option(
    "--min-ndcg-ratio",
    type=float,
    default=0.99,
    show_default=True,
    help="Fail if nDCG@10 falls below this fraction of PyTorch's.",
)
@click.option(
    "--prune-vocabulary",
    type=click.Path(path_type=Path),
    metavar="TEXTS",
    help="Leave out columns of the vocabulary that no text of TEXTS (a text a line, or .jsonl with `text`) makes "
    "active. Every tenth text only measures what others lose; give thousands.",
)
@click.option(
    "--prune-min-count",
    type=int,
    default=1,
    show_default=True,
    help="Keep a column only if it is active in at least N texts.",
    metavar="N",
)
@click.option("--triton", type=click.Path(path_type=Path), metavar="DIR", help="Model repository to add it to.")
@click.option("--force", is_flag=True, help="Replace an existing bundle, and its models in DIR.")
def export(
    model: str,
    output: Path | None,
    quantize: str,
    cpu: str,
    special_tokens: str,
    dense: bool,
    triton: Path | None,
    **choices: Any,
) -> None:
    """Export a checkpoint to a verified bundle (the default command).

    A token for a gated hub model is read from the environment variable HF_TOKEN.

    \b
    sparse-export --model naver/splade-v3 --quantize int8
    sparse-export --model ./my-splade --output bundle --eval-data datasets/nfcorpus
    """
    precision = PRECISION_OF_QUANTIZE[quantize]
    output = output or Path(f"{Path(model).resolve().name}-{precision}")  # resolved, even `.` has a name
    form = Output.DENSE if dense else Output.SPARSE
    special = SpecialTokens(special_tokens)
    options = ExportOptions(model, output, precision, cpu=Cpu(cpu), form=form, special_tokens=special, **choices)
    models = None
    if triton is not None:
        if dense or choices["sae_only"]:
            raise InputError("Triton serves texts and sorted pairs; give --triton, or --dense or --sae-only, not both.")
        models = RepositoryOptions(output, triton, output.resolve().name, force=options.force)
        _repository().check_free(models)  # before an export that takes minutes
    with stoppable(), quiet_libraries(), steps():
        from sparse_export.pipeline.export import export as run

        manifest = run(options)
    show_export(options, manifest)
    if models is not None:
        _write_models(models)
    if quantize == "fp16":
        click.echo("fp16 is for GPU and WebGPU; on a CPU it is slower than fp32.", err=True)


@main.command()
@click.argument("bundle", type=click.Path(path_type=Path))
def verify(bundle: Path) -> None:
    """Replay a bundle's golden vectors and checksums; needs no torch.

    \b
    sparse-export verify splade-v3-int8
    """
    from sparse_client.cli.printing import show_verification
    from sparse_client.parity.replay import verify as replay

    show_verification(str(bundle), replay(bundle), in_process=True)


@main.command()
@click.argument("bundle", type=click.Path(path_type=Path))
def inspect(bundle: Path) -> None:
    """Show what is inside a bundle: family, inputs, outputs, operators, sizes, what int8 costs each product.

    \b
    sparse-export inspect splade-v3-int8
    """
    from sparse_client.bundle.reader import open_bundle
    from sparse_export.bundle import report

    content = open_bundle(bundle, checksums=True).manifest
    show_table([("", ""), *report.fact_rows(content)], title=str(bundle))
    for name in content.graphs:
        show_table(report.graph_rows(content, name))
    for tower in (content, content.query_tower):
        if tower is not None and tower.sensitivity:
            show_table(report.sensitivity_rows(tower))


@main.command()
def models() -> None:
    """Show which public models are exported, with the figures of `make zoo`, and why others are not.

    \b
    sparse-export models
    """
    from sparse_export import public_models

    known = public_models.read()
    for rows in (public_models.table_rows(known), public_models.refused_rows(known)):
        show_table([(names.replace(", ", "\n"), *rest) for names, *rest in rows])  # a name is never folded
    click.echo("Checkpoints of these shapes with two layers and random weights: `make zoo`, docs/models.md.")


@main.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--repository", required=True, type=click.Path(path_type=Path), help="Folder of the model repository.")
@click.option("--name", help="What the names of the models begin with.  [default: the bundle's folder]")
@click.option("--max-batch-size", type=int, default=32, show_default=True, help="Texts of a request or a batch.")
@click.option(
    "--threads", type=int, default=0, help="Threads of a run on a CPU.  [default: one per core of the server]"
)
@click.option("--max-text-bytes", type=int, default=MAX_TEXT_BYTES, show_default=True, help="UTF-8 bytes of a text.")
@click.option("--gpu-bundle", type=click.Path(path_type=Path), help="Bundle of the same checkpoint to run on a GPU.")
@click.option("--tensorrt", is_flag=True, help="On a GPU, run the graph through TensorRT.")
@click.option("--response-cache", is_flag=True, help="Answer repeated requests from the server's cache.")
@click.option("--force", is_flag=True, help="Replace the models of that name.")
def triton(bundle: Path, name: str | None, **choices: Any) -> None:
    """Write the models that serve a bundle into a Triton model repository.

    \b
    sparse-export triton splade-v3-int8 --repository models --name splade
    """
    _write_models(RepositoryOptions(bundle=bundle, name=name or bundle.resolve().name, **choices))


@main.command()
@click.argument("repository", type=click.Path(path_type=Path))
@click.option("--http-port", type=PORT, default=8000, show_default=True, help="Port; 0 takes a free one.")
@click.option("--grpc-port", type=PORT, default=8001, show_default=True, help="Port; 0 takes a free one.")
@click.option("--metrics-port", type=PORT, default=8002, show_default=True, help="Port; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 for all.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(repository: Path, arguments: tuple[str, ...], **choices: Any) -> None:
    """Serve a model repository with a real tritonserver on the CPU, without docker.

    The first time, the server and what its steps need are downloaded and kept in the user's cache folder. What follows
    after -- goes to tritonserver.

    \b
    sparse-export serve models
    sparse-export serve models --http-port 0 -- --model-control-mode=explicit --load-model=splade_document
    """
    from sparse_export.serving.process import ServeOptions, serving

    options = ServeOptions(repository=repository, arguments=arguments, **choices)
    with stoppable(), contextlib.suppress(KeyboardInterrupt), serving(options, _step) as server:
        for line in server.addresses():
            click.echo(line)
        try:
            server.wait()
        except KeyboardInterrupt:
            _step("Stopping the server")


def _write_models(options: RepositoryOptions) -> None:
    for model in _repository().write(options):
        click.echo(options.repository / model)


def _repository() -> Any:
    from sparse_export.triton import repository

    return repository


def _step(text: str) -> None:
    click.echo(text, err=True)
