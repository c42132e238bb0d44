"""What goes wrong between client and server, translated once."""

from enum import Enum, auto

from sparse_client.errors import InputError, ModelNotFoundError, ServerError, SparseClientError, UnreachableError

_LONGEST = 300


class Reason(Enum):
    """Why a request failed."""

    UNAVAILABLE = auto()
    TIMEOUT = auto()
    NOT_FOUND = auto()
    REJECTED = auto()
    FAILED = auto()


class AttemptError(Exception):
    """One attempt that failed.

    Attributes:
        reason: Why.
        detail: What the server or the library said.
    """

    def __init__(self, reason: Reason, detail: object) -> None:
        super().__init__(str(detail))
        self.reason = reason
        self.detail = " ".join(str(detail).split())[:_LONGEST] or "no reason given"


# What tritonclient calls the status of an answer: HTTP's number or gRPC's name.
_REASONS = {
    "400": Reason.REJECTED,
    "404": Reason.NOT_FOUND,
    "413": Reason.REJECTED,
    "503": Reason.UNAVAILABLE,
    "StatusCode.DEADLINE_EXCEEDED": Reason.TIMEOUT,
    "StatusCode.INVALID_ARGUMENT": Reason.REJECTED,
    "StatusCode.NOT_FOUND": Reason.NOT_FOUND,
    "StatusCode.UNAVAILABLE": Reason.UNAVAILABLE,
}
_ERRORS: dict[Reason, tuple[type[SparseClientError], str]] = {
    Reason.UNAVAILABLE: (UnreachableError, "cannot be reached: {}; check the URL and that the server is ready"),
    Reason.TIMEOUT: (UnreachableError, "did not answer in time: {}; allow a longer timeout or send less at once"),
    Reason.NOT_FOUND: (ModelNotFoundError, "there is no such model: {}; check the name and that it is loaded"),
    Reason.REJECTED: (InputError, "rejected: {}"),
    Reason.FAILED: (ServerError, "failed: {}"),
}


def reason_of(status: str | None) -> Reason:
    """Return why a request with this status failed; what is not known failed at the server."""
    return _REASONS.get(str(status), Reason.FAILED)


def as_error(failure: AttemptError, url: str, model: str) -> SparseClientError:
    """Return the error for the caller, which names the server and the model."""
    # A model that is not loaded is "unavailable" over gRPC and "not found" over HTTP.
    reason = Reason.NOT_FOUND if "unknown model" in failure.detail.lower() else failure.reason
    kind, text = _ERRORS[reason]
    return kind(f"{url}, model {model!r}: {text.format(failure.detail)}")
