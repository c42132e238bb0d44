"""Print clients/node/src/unicode.js: the classes of characters that BERT's tokenizer goes by.

They are those of the library that makes bundles: JavaScript has classes of the same names, but of the Unicode version
of the engine that runs.

Example:
    python scripts/unicode_tables.py > clients/node/src/unicode.js
"""

from collections.abc import Callable

from tokenizers import normalizers, pre_tokenizers

HEAD = """\
/**
 * The classes of characters that BERT's tokenizer goes by, written by scripts/unicode_tables.py from the library that
 * makes bundles: those of a JavaScript engine depend on its Unicode version. Each is the inside of a character class.
 */
"""
SURROGATES = range(0xD800, 0xE000)
LINE = 106


def _normalizer(**chosen: bool) -> Callable[[str], str]:
    steps = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    return normalizers.BertNormalizer(**{**steps, **chosen}).normalize_str


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
    return {name: _ranges(test) for name, test in tests.items()}


def _ranges(test: Callable[[str], bool]) -> list[str]:
    found: list[list[int]] = []
    for code in range(0x110000):
        if code in SURROGATES or not test(chr(code)):
            continue
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
