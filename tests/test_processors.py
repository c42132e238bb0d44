"""The short form of `make processors`: a dozen golden texts on a processor with AVX2 and without VNNI."""

from __future__ import annotations

import shutil
from pathlib import Path

from support import node_runner

ROOT = Path(__file__).parents[1]

EVERY = 3


def test_the_table_in_the_docs_has_no_missed_promise() -> None:
    import processors

    lines = [line for line in processors.TARGET.read_text("utf-8").splitlines() if line.startswith("| ")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert head == ["processor", "ONNX Runtime", *processors.EXPORTS, processors.UNMENDED]
    assert [row[0] for row in rows[1:]] == [*(host.name for host in processors.HOSTS[1:]), "WebAssembly"]
    promised = [cell for row in rows for cell in row[2:-1]]
    assert len(promised) == 4 * len(rows)
    assert not [cell for cell in promised if "**" in cell]


def test_int8_keeps_its_promise_without_vnni(
    splade_int8_bundle: Path, splade_vnni_bundle: Path, tmp_path: Path
) -> None:
    import processors

    host = next(host for host in processors.HOSTS if "Haswell" in host.name)
    if shutil.which(host.emulator[0]) is None:
        node_runner.missing("qemu-user is not installed; `make test` does that for root, where apt is")
    unmended = processors.unmended(splade_vnni_bundle, tmp_path / "unmended")
    reports = processors.replay(host, [splade_int8_bundle, splade_vnni_bundle, unmended], EVERY)
    assert [report["alone"]["texts"] for report in reports] == [13] * 3
    assert processors.misses("int8", reports[0]) == []
    # Our clients make it exact, others do not, and what saturates is seen.
    assert processors.misses("int8, VNNI", reports[1]) == []
    assert any("worst cosine" in miss for miss in processors.misses("int8, VNNI", reports[2]))
