"""How fast an encoder is while several callers use it at once."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np

PERCENTILES = (50, 90, 99)
# What is encoded where nothing else is given: short questions and longer statements.
TEXTS = (
    "how to renew a passport",
    "cheap flights in spring",
    "why is the sky blue",
    "A lighthouse warns ships of rocks with a lamp that is seen many miles away.",
    "The recipe asks for two eggs, a cup of flour, a pinch of salt and as much milk as the dough will take.",
    (
        "Ordinary clocks drift by some seconds a month because their quartz crystals feel the temperature, so "
        "computers ask a time server every few minutes and correct themselves little by little."
    ),
)


@dataclass(frozen=True, slots=True)
class Level:
    """What was measured with one number of callers.

    Attributes:
        callers: Callers at the same time, each of which waits for its answer before it asks again.
        calls: Calls that were answered.
        texts_per_second: Texts of all callers together.
        milliseconds: Duration of a call, a figure for each of PERCENTILES.
    """

    callers: int
    calls: int
    texts_per_second: float
    milliseconds: tuple[float, ...]


def measure(encode: Callable[[list[str]], object], batches: Sequence[list[str]], callers: int, seconds: float) -> Level:
    """Let callers encode for a while.

    Args:
        encode: What to measure; may be called from several threads.
        batches: What a call encodes, one after the other and then again; each caller begins elsewhere.
        callers: How many call at the same time.
        seconds: How long; every caller ends its last call and makes at least one.

    Raises:
        SparseClientError: What `encode` raises.
    """
    encode(batches[0])  # what is loaded or connected on first use is none of what is asked here
    start = time.perf_counter()

    def call(caller: int) -> tuple[list[float], int]:
        durations, texts = [], 0
        for batch in islice(cycle(batches), caller % len(batches), None):
            begun = time.perf_counter()
            encode(batch)
            ended = time.perf_counter()
            durations.append(ended - begun)
            texts += len(batch)
            if ended - start >= seconds:
                break
        return durations, texts

    with ThreadPoolExecutor(callers) as pool:
        done = list(pool.map(call, range(callers)))
    elapsed = time.perf_counter() - start
    durations = [one for each, _ in done for one in each]
    texts = sum(count for _, count in done)
    milliseconds = tuple(float(one) * 1000 for one in np.percentile(durations, PERCENTILES))
    return Level(callers, len(durations), texts / elapsed, milliseconds)
