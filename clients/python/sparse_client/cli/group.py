"""What the commands of all three packages share: errors without a traceback, a default command, `-h`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import click

# By the package that is missing, the extra that has it; None where several have it: then it is that of the command.
EXTRAS = {
    "onnxruntime": "cpu",
    "tritonclient": "triton",
    "google": "triton",  # protobuf
    "peft": "peft",
    "ray": "ray",
    **dict.fromkeys(("torch", "transformers", "sentence_transformers", "onnx", "onnx_ir", "onnxscript", "scipy"), None),
    **dict.fromkeys(("ir_measures", "accelerate", "datasets", "matplotlib", "ruamel", "sqlalchemy"), None),
}
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


class CommandGroup(click.Group):
    """A group of commands; a subclass says what is special about its own.

    Attributes:
        error: The exceptions that the user can fix: their text on stderr and exit code 1.
        extra: What `pip install 'sparse-export[...]'` needs for a command whose library is not installed.
        default: The command that runs when the first argument is an option that the group itself does not have.
        default_takes_words: The default command also gets a first argument that names no command.
    """

    error: ClassVar[tuple[type[Exception], ...]]
    extra: ClassVar[str]
    default: ClassVar[str | None] = None
    default_takes_words: ClassVar[bool] = False

    def __init__(self, *args: Any, **settings: Any) -> None:
        settings["context_settings"] = SETTINGS | settings.get("context_settings", {})
        super().__init__(*args, **settings)

    def in_options(self, text: str) -> str:
        """Return an error of the library in the words of the command."""
        return text

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in front of what is meant for it."""
        if args and self.default is not None and self._is_for_default(ctx, args[0]):
            args = [self.default, *args]
        with self._told(ctx):  # an eager option may do all the work
            return super().parse_args(ctx, args)

    def _is_for_default(self, ctx: click.Context, first: str) -> bool:
        if first.startswith("-"):
            return not any(first in option.opts for option in self.get_params(ctx))
        return self.default_takes_words and first not in self.commands

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that the user can fix becomes one sentence."""
        with self._told(ctx):
            return super().invoke(ctx)

    @contextmanager
    def _told(self, ctx: click.Context) -> Iterator[None]:
        """Turn errors that the user can fix into one sentence."""
        try:
            yield
        except self.error as error:
            text = self.in_options(" ".join(str(error).splitlines()))
            raise click.ClickException(text if text.endswith((".", "!", "?")) else f"{text}.") from error
        except ModuleNotFoundError as error:
            if (package := str(error.name).partition(".")[0]) not in EXTRAS:
                raise  # a fault of ours, not of the installation
            remedy = f"pip install 'sparse-export[{EXTRAS[package] or self.extra}]'"
            raise click.ClickException(
                f"{ctx.command_path} needs {package}, which is not installed: {remedy}."
            ) from error
