"""Print clients/node/src/unicode.js: the classes of characters that tokenizers go by.

They are those of the library that makes bundles: JavaScript has classes of the same names, but of the Unicode version
of the engine that runs.

Example:
    python scripts/unicode_tables.py > clients/node/src/unicode.js
"""

from collections.abc import Callable, Iterator
from functools import cache

from tokenizers import normalizers, pre_tokenizers

HEAD = """\
/**
 * The classes of characters that tokenizers go by, written by scripts/unicode_tables.py from the library that makes
 * bundles: those of a JavaScript engine depend on its Unicode version. Each is the inside of a character class.
 * COMPOSING are the characters that normalization to NFC or NFD looks at; for the library all others are as they are.
 */
"""
SURROGATES = range(0xD800, 0xE000)
LINE = 106
CHUNK = 1000  # characters in one call of a pre-tokenizer: a call takes longer than what it does
ASCII = range(0x80)
HIGHEST_CLASS = "\u0345"  # the mark that canonical order puts last


def _normalizer(**chosen: bool) -> Callable[[str], str]:
    steps = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    return normalizers.BertNormalizer(**{**steps, **chosen}).normalize_str


@cache
def characters() -> list[str]:
    """Return every character."""
    return [chr(code) for code in range(0x110000) if code not in SURROGATES]


def classes() -> dict[str, list[str]]:
    """Return the ranges of every class, as JavaScript writes them."""
    clean, han, strip = (_normalizer(**{key: True}) for key in ("clean_text", "handle_chinese_chars", "strip_accents"))
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    tests: dict[str, Callable[[str], bool]] = {
        "CONTROL": lambda character: clean(f"a{character}") == "a",
        "SPACE": lambda character: len(split(f"a{character}b")) == 2,
        "HAN": lambda character: han(character) != character,
        "MARK": lambda character: strip(f"a{character}") == "a",
        "PUNCTUATION": lambda character: len(split(f"a{character}b")) == 3,
    }
    found = {name: {one for one in characters() if test(one)} for name, test in tests.items()}
    found |= {"LETTER": _joined_to("a"), "NUMBER": _joined_to("1"), "COMPOSING": _composing()}
    return {name: _ranges(members) for name, members in found.items()}


def _joined_to(first: str) -> set[str]:
    """Return what byte-level pre-tokenizing leaves in one piece with a character before it."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    found: set[str] = set()
    for some in _chunks():
        starts = {begin for _, (begin, _) in split("".join(f"{first}{one}\0" for one in some))}
        found |= {one for at, one in enumerate(some) if 3 * at + 1 not in starts}
    return found


def _composing() -> set[str]:
    """Return what is taken apart, what that gives unless it is one character, what has a place in canonical order."""
    changed = {one: new for one, new in _taken_apart("") if new != one}
    before = f"a{HIGHEST_CLASS}"
    ordered = {one for one, new in _taken_apart(before) if new != before + one} | {HIGHEST_CLASS}
    parts = {part for whole in changed.values() if len(whole) > 1 for part in whole}
    return {*changed, *parts, *ordered, *map(chr, ASCII)}


def _taken_apart(before: str) -> Iterator[tuple[str, str]]:
    """Yield every character, and what NFD makes of it behind something else."""
    apart = normalizers.NFD().normalize_str
    for some in _chunks():
        lines = apart("".join(f"{before}{one}\0" for one in some)).split("\0")
        yield from zip(some, lines, strict=False)


def _chunks() -> Iterator[list[str]]:
    everything = [one for one in characters() if one != "\0"]
    for start in range(0, len(everything), CHUNK):
        yield everything[start : start + CHUNK]


def _ranges(members: set[str]) -> list[str]:
    found: list[list[int]] = []
    for code in sorted(map(ord, members)):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return [_escape(first) if first == last else f"{_escape(first)}-{_escape(last)}" for first, last in found]


def _escape(code: int) -> str:
    return f"\\u{{{code:x}}}"


def source() -> str:
    """Return the text of clients/node/src/unicode.js."""
    parts = [HEAD]
    for name, ranges in classes().items():
        lines = [""]
        for one in ranges:
            if len(lines[-1]) + len(one) > LINE:
                lines.append("")
            lines[-1] += one
        body = " +\n".join(f"  String.raw`{line}`" for line in lines)
        parts.append(f"\nexport const {name} =\n{body};\n")
    return "".join(parts)


if __name__ == "__main__":
    print(source(), end="")
