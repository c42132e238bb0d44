"""The texts that every export is compared with PyTorch on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

# Where tokenizers and masks go wrong.
HARD_TEXTS = (
    "",
    "a",
    "   ",
    "Café déjà vu: naïve façade, Ångström, ﬁne ½ cup",
    "北京的天气今天很好。日本語のテキストも少し。",
    "한국어 문장과 숫자 12345",
    "I ❤️ New York 🗽👩‍👩‍👧‍👦!",
    "مرحبا بالعالم",
    "שלום עולם, how are you?",
    "fish fish fish fish fish fish",
    "The capital of France is [MASK].",
    "[CLS] already marked [SEP] text [PAD]",
    "<mask> and </s> of another model",
    "snake_case camelCase C++ x86_64 http://example.org/?q=1&r=2#top",
    "tab\there\nnew line\r\nand\u00a0no-break\u200bzero width",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "0.1 + 0.2 != 0.3, €5.99, 50 % off, 1,000,000",
    "zażółć gęślą jaźń, ĞÜŞİÖÇ, ñandú, Привет мир, Ελληνικά",
)
# Ordinary prose of many lengths and subjects: what int8 is judged by.
REAL_TEXTS = (
    "The weather is lovely today.",
    "how to reset a forgotten password",
    "symptoms of iron deficiency in adults",
    "best running shoes for flat feet",
    "Water boils at a lower temperature on a mountain because the air pressure is lower there.",
    "The committee approved the budget after a long debate, but two members voted against it.",
    "A search engine keeps, for every word, a list of the documents in which it occurs.",
    "Photosynthesis turns sunlight, water and carbon dioxide into sugar and oxygen inside the leaves of green plants.",
    "When the old bridge was closed for repairs, the ferry carried cars across the river every twenty minutes.",
    "The violinist tuned her instrument, nodded to the conductor and began the slow movement from memory.",
    (
        "Interest rates rose again this spring, so families with a variable mortgage now pay more each month "
        "than they had planned, and many of them are asking their bank for a fixed rate."
    ),
    (
        "Whales are mammals that returned to the sea millions of years ago. They breathe air, feed their "
        "young with milk, and keep warm under a thick layer of fat. Some of them cross whole oceans between "
        "the cold waters where they eat and the warm lagoons where their calves are born."
    ),
    (
        "To bake bread at home, mix flour, water, salt and a little yeast, and let the dough rest until it "
        "has doubled. Fold it gently, shape a loaf, and leave it in a cool place overnight. In the morning "
        "heat the oven with a heavy pot inside, drop the loaf into it, cover it, and take the lid off after "
        "half an hour so that the crust can brown."
    ),
    "The patient complained of a headache and a stiff neck, and the doctor ordered a blood test and a scan.",
    (
        "Goalkeepers rarely score, but in the last minute she ran forward for the corner and headed the ball "
        "into the net."
    ),
    (
        "The museum shows coins, glass and pottery that divers brought up from a merchant ship which sank "
        "near the harbour in the third century; the wooden hull itself was too fragile to lift and stays on "
        "the sea floor under sand."
    ),
    (
        "Rust is a programming language that checks at compile time who owns each value, which prevents many "
        "memory errors."
    ),
    "A contract is void if one party signed it under threat, or if it obliges anyone to break the law.",
    "Volcanic ash makes fertile soil: the slopes of many active volcanoes are covered with vineyards and orchards.",
    "The train leaves at seven from platform four and stops in every village, so the coach is faster on weekdays.",
)


PADDED_TOKENS = 512  # texts of more tokens are proven alone: a padded batch of them takes gigabytes


def texts(max_length: int | None, proof_tokens: int, ids: Callable[[str], Sequence[int]]) -> tuple[str, ...]:
    """Return the golden texts of a route.

    Args:
        max_length: Tokens of a text; one of the texts is longer, where there is such a limit.
        proof_tokens: Tokens of the longest text, where `max_length` is more.
        ids: Gives the token ids of a text, cut to `max_length`.
    """
    few = HARD_TEXTS + REAL_TEXTS
    if max_length is None:
        return few
    longest = prose(max_length + 20) if max_length <= proof_tokens else _longest_prose(proof_tokens, ids)
    padded = (_longest_prose(PADDED_TOKENS, ids),) if min(max_length, proof_tokens) > PADDED_TOKENS else ()
    return (*few, *padded, longest)


def prose(words: int) -> str:
    """Return so many words of ordinary prose; a word is at least one token."""
    ordinary = " ".join(REAL_TEXTS).split()
    return " ".join(ordinary[index % len(ordinary)] for index in range(words))


def _longest_prose(tokens: int, ids: Callable[[str], Sequence[int]]) -> str:
    return prose(bisect_right(range(1, tokens), tokens, key=lambda words: len(ids(prose(words)))))
