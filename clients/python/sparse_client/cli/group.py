"""What the commands of all three packages share: errors without a traceback, a default command, `-h`."""

from __future__ import annotations

from typing import Any

import click

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


class CommandGroup(click.Group):
    """A group of commands.

    Args:
        error: The exceptions that are the user's to mend: their text on stderr and exit code 1.
        default: The command that runs when the first argument is an option of none of the group's own.
        default_takes_words: The default command also gets a first argument that names no command.
    """

    def __init__(
        self,
        *args: Any,
        error: type[Exception] | tuple[type[Exception], ...],
        default: str | None = None,
        default_takes_words: bool = False,
        **settings: Any,
    ) -> None:
        settings["context_settings"] = SETTINGS | settings.get("context_settings", {})
        super().__init__(*args, **settings)
        self._error = error
        self._default = default
        self._default_takes_words = default_takes_words

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and self._default is not None and self._is_for_default(ctx, args[0]):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def _is_for_default(self, ctx: click.Context, first: str) -> bool:
        if first.startswith("-"):
            return not any(first in option.opts for option in self.get_params(ctx))
        return self._default_takes_words and first not in self.commands

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except self._error as error:
            text = str(error)
            raise click.ClickException(text if text.endswith((".", "!", "?")) else f"{text}.") from error
