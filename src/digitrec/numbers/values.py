"""The values that a number can have, listed or as a range, asked whether one of them begins with a text."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice

MOST_VALUES = 1_000_000
_LARGEST = 10**18  # of a range


class ListedTexts:
    """Texts in order: those that begin alike lie side by side.

    >>> months = ListedTexts(["1", "10", "11", "12", "2"])
    >>> months.may_begin("1"), months.may_begin("13"), "11" in months
    (True, False, True)
    """

    def __init__(self, values: Iterable[object]) -> None:
        self.texts = sorted({str(value) for value in islice(values, MOST_VALUES + 1)})

    def __contains__(self, text: str) -> bool:
        place = bisect_left(self.texts, text)
        return place < len(self.texts) and self.texts[place] == text

    def may_begin(self, text: str) -> bool:
        """Tell whether one of them begins with a text."""
        place = bisect_left(self.texts, text)
        return place < len(self.texts) and self.texts[place].startswith(text)


class NumberRange:
    """Whole numbers of a range, as they are written, zeros before them or not; nothing of it is listed.

    >>> hundreds = NumberRange(range(100, 1000, 100))
    >>> hundreds.may_begin("2"), hundreds.may_begin("21"), hundreds.may_begin("00"), "0200" in hundreds
    (True, False, True, True)
    """

    def __init__(self, values: range) -> None:
        if not values or max(abs(values[0]), abs(values[-1])) >= _LARGEST:
            raise ValueError(f"values: expected a range of numbers of up to 18 digits, got {values}")
        rising = values if values.step > 0 else values[::-1]
        split = bisect_left(rising, 0)
        self.positive = rising[split:]
        self.negative = range(-rising[split - 1], 1 - rising[0], rising.step) if split else range(0)

    @property
    def shortest(self) -> int:
        """Characters of its shortest number."""
        return min([len(str(one)) for one in self.positive[:1]] + [len(str(-one)) for one in self.negative[:1]])

    def __contains__(self, text: str) -> bool:
        size = text.removeprefix("-")
        return size.isdecimal() and int(size) in self._choose(text)

    def may_begin(self, text: str) -> bool:
        """Tell whether one of them begins with a text."""
        sizes, size = self._choose(text), text.removeprefix("-").lstrip("0")
        if not size or not size.isdecimal():
            return bool(sizes or not text) and not size
        first = last = int(size)
        while sizes and first <= sizes[-1]:
            place = bisect_left(sizes, first)
            if place < len(sizes) and sizes[place] <= last:
                return True
            first, last = 10 * first, 10 * last + 9
        return False

    def _choose(self, text: str) -> range:
        return self.negative if text.startswith("-") else self.positive
