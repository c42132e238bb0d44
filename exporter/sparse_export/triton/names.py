"""The names of the models that serve one bundle: clients rely on them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sparse_export.errors import InputError

ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Names:
    """The models of a bundle called `name`.

    Raises:
        InputError: The name cannot be that of a folder and a URL.
    """

    name: str

    def __post_init__(self) -> None:
        if not ALLOWED.fullmatch(self.name):
            raise InputError(
                f"The name {self.name!r} cannot name a Triton model; use letters, digits, '_', '-' and '.', "
                "and begin with a letter or a digit."
            )

    @property
    def tokenize(self) -> str:
        """Return the step from text to token ids."""
        return f"{self.name}_tokenize"

    @property
    def decode(self) -> str:
        """Return the model from vectors to tokens, or to an embedding."""
        return f"{self.name}_decode"

    def encoder(self, route: str) -> str:
        """Return the step from token ids to vectors."""
        return f"{self.name}_{route}_encoder"

    def ensemble(self, route: str) -> str:
        """Return the model from text to vectors, which clients call."""
        return f"{self.name}_{route}"

    def all(self) -> list[str]:
        """Return every name that a bundle may use, whatever its family."""
        routes = ("document", "query")
        return [self.tokenize, *map(self.encoder, routes), self.decode, *map(self.ensemble, routes)]
