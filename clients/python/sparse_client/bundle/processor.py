"""What runs graphs here: the name of the processor, and whether ONNX Runtime's 8-bit products are exact on it."""

import platform
from functools import cache
from pathlib import Path

# As Linux names it among the flags of an x86 processor.
VNNI = frozenset({"avx_vnni", "avx512_vnni"})
# A graph of one MatMulInteger: `a` uint8 [1, 16], zero point 128, times sixteen weights of 127. Written out, since
# encoding needs no package that makes graphs.
PROBE = (
    b"\x08\x08:\x87\x01\n1\n\x01a\n\x01w\n\x01z\x12\x01y\x1a\x14node_MatMulInteger_0\"\rMatMulInteger\x12\x01g*\x1b\x08"
    b"\x10\x08\x01\x10\x03B\x01wJ\x10" + 16 * b"\x7f" + b"*\x08\x10\x02B\x01zJ\x01\x80Z\x13\n\x01a\x12\x0e\n\x0c\x08"
    b"\x02\x12\x08\n\x02\x08\x01\n\x02\x08\x10b\x13\n\x01y\x12\x0e\n\x0c\x08\x06\x12\x08\n\x02\x08\x01\n\x02\x08\x01B"
    b"\x04\n\x00\x10\x12"
)  # fmt: skip
LARGEST = 255  # of an activation
EXACT = 16 * (LARGEST - 128) * 127


@cache
def exact_products() -> bool:
    """Tell whether sums of 8-bit products are exact; on x86 with AVX2 and without VNNI they saturate at 16 bits.

    It is tried once a process, which takes some 20 ms.
    """
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(PROBE, options, providers=["CPUExecutionProvider"])
    ((product,),) = session.run(None, {"a": np.full((1, 16), LARGEST, np.uint8)})
    return int(product[0]) == EXACT


def processor_name() -> str:
    """Return the name of the processor, on x86 also whether it has VNNI."""
    facts: dict[str, str] = {}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "flags" not in facts:  # other architectures have other names for theirs
        return name
    return f"{name}, {'VNNI' if VNNI.intersection(facts['flags'].split()) else 'no VNNI'}"
