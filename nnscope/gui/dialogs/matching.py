"""Which commands a few typed letters mean. Pure."""

from __future__ import annotations


def rank(query: str, names: list[str]) -> list[int]:
    """Indices of the names that match, best first; all of them for an empty query."""
    wanted = query.casefold().split()
    scored = [(_score(wanted, name.casefold()), at) for at, name in enumerate(names)]
    return [at for score, at in sorted(scored) if score < 4 * max(1, len(wanted))]


def _score(words: list[str], name: str) -> int:
    """Sum over the typed words: 0 begins the name, 1 begins a word, 2 occurs, 3 its letters occur in order, 4 no."""
    return sum(_word_score(word, name) for word in words) if all(_word_score(w, name) < 4 for w in words) else 1000


def _word_score(word: str, name: str) -> int:
    if name.startswith(word):
        return 0
    if any(part.startswith(word) for part in name.split()):
        return 1
    if word in name:
        return 2
    letters = iter(name)
    return 3 if all(letter in letters for letter in word) else 4
