"""What is known of a number before it is read: its length, a pattern, the values it can have, a check digit."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from digitrec.numbers.checks import CHECKS, COUNTS, Check
from digitrec.numbers.values import MOST_VALUES, ListedTexts, NumberRange

CHARACTERS = "0123456789.,-/"  # what a number is written in; the order is that of the network's logits
MARKS = ".,"  # dropped where a number begins or ends with them
LONGEST = 60  # characters of a number
_DIGITS = frozenset("0123456789")


@dataclass(frozen=True)
class Constraint:
    """What a number can be: all that is given holds at once.

    Attributes:
        length: of the text, in characters, marks included.
        pattern: d stands for any digit, each other character for itself: "dd.d".
        characters: those that may occur.
        values: all texts that it can be, or what prints as one (numbers); or a range of whole numbers.
        check: "luhn", "ean", "isbn13", "isbn10", or a function of the text.

    Raises:
        ValueError: one of them is of another form, or nothing can be all of that.

    >>> date = Constraint(pattern="dd/dd")
    >>> date.may_begin("12/"), date.may_begin("123"), date.accepts("12/05"), date.accepts("12/0")
    (True, False, True, False)
    >>> Constraint(pattern="d?")
    Traceback (most recent call last):
    ValueError: pattern: expected d for any digit and . , - / for themselves, as in 'dd.d', got 'd?'
    """

    length: int | None = None
    pattern: str | None = None
    characters: str | None = None
    values: Iterable[object] | None = None
    check: Check | None = None
    # What may stand in each place where the length is known, and in any; the values, in order.
    _places: tuple[frozenset[str], ...] | None = field(init=False, repr=False, compare=False, default=None)
    _allowed: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset(CHARACTERS))
    _values: ListedTexts | NumberRange | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        self._take("_allowed", _take_characters(self.characters))
        if self.length is not None:
            self._take("_places", (self._allowed,) * _take_length(self.length))
        if self.pattern is not None:
            self._take("_places", _take_pattern(self.pattern, self.length, self._allowed))
        if self.check is not None:
            _verify_check(self.check, self._places)
        if isinstance(self.values, range):
            self._take("_values", _take_range(self.values, self._places))
        elif self.values is not None:
            fitting = ListedTexts([text for text in _take_values(self.values).texts if self.accepts(text)])
            if not fitting.texts:
                raise ValueError("values: expected one at least that fits what else is known, got none")
            self._take("_values", fitting)

    @property
    def is_open(self) -> bool:
        """Whether a text that was allowed so far is allowed as it stands."""
        return self._places is None and self._values is None

    def may_begin(self, text: str) -> bool:
        """Tell whether a number that is allowed, but for its check digit, may begin with a text."""
        if self._places is None:
            fits = len(text) <= LONGEST and self._allowed.issuperset(text)
        else:
            fits = len(text) <= len(self._places) and all(map(frozenset.__contains__, self._places, text))
        return fits and (self._values is None or self._values.may_begin(text))

    def accepts(self, text: str) -> bool:
        """Tell whether a text is allowed."""
        if not text or (self._places is not None and len(text) != len(self._places)) or not self.may_begin(text):
            return False
        if self._values is not None and text not in self._values:
            return False
        check = CHECKS[self.check] if isinstance(self.check, str) else self.check
        return check is None or bool(check(text))

    def _take(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # frozen for everyone else


def _take_length(length: Any) -> int:
    if isinstance(length, bool) or not isinstance(length, int) or not 0 < length <= LONGEST:
        raise ValueError(f"length: expected 1 to {LONGEST} characters, got {length!r}")
    return length


def _take_characters(characters: Any) -> frozenset[str]:
    if characters is None:
        return frozenset(CHARACTERS)
    if not isinstance(characters, str) or set(characters) - set(CHARACTERS) or not _DIGITS & set(characters):
        raise ValueError(f"characters: expected some of {CHARACTERS!r}, a digit among them, got {characters!r}")
    return frozenset(characters)


def _take_pattern(pattern: Any, length: int | None, allowed: frozenset[str]) -> tuple[frozenset[str], ...]:
    if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST or set(pattern) - {"d", *CHARACTERS}:
        raise ValueError(f"pattern: expected d for any digit and . , - / for themselves, as in 'dd.d', got {pattern!r}")
    if pattern[0] in MARKS or pattern[-1] in MARKS:
        raise ValueError(
            f"pattern: expected none that begins or ends with . or , which are dropped there, got {pattern!r}"
        )
    if length not in (None, len(pattern)):
        raise ValueError(f"length: expected {len(pattern)}, as the pattern is long, or none beside it, got {length}")
    places = tuple((_DIGITS if one == "d" else frozenset(one)) & allowed for one in pattern)
    if not all(places):
        raise ValueError(
            f"characters: expected all that the pattern {pattern!r} asks for, got {''.join(sorted(allowed))!r}"
        )
    return places


def _take_range(values: range, places: tuple[frozenset[str], ...] | None) -> NumberRange:
    known = NumberRange(values)
    if places is not None and known.shortest > len(places):
        raise ValueError(f"values: expected numbers of at most {len(places)} characters, got {values}")
    return known


def _take_values(values: Any) -> ListedTexts:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"values: expected a list of texts or numbers, or a range, got {values!r}")
    listed = ListedTexts(values)
    if not 0 < len(listed.texts) <= MOST_VALUES:
        raise ValueError(f"values: expected 1 to {MOST_VALUES:,} of them, got {'more' if listed.texts else 'none'}")
    for text in listed.texts:
        if not text or len(text) > LONGEST or set(text) - set(CHARACTERS) or text.strip(MARKS) != text:
            raise ValueError(f"values: expected texts of {CHARACTERS!r}, no mark at either end, got {text[:LONGEST]!r}")
    return listed


def _verify_check(check: Any, places: tuple[frozenset[str], ...] | None) -> None:
    """Refuse a check that is none, or that no number of so many places passes."""
    if not callable(check) and (not isinstance(check, str) or check not in CHECKS):
        raise ValueError(f"check: expected one of {', '.join(CHECKS)}, or a function of the text, got {check!r}")
    if isinstance(check, str) and places is not None:
        least = sum(place <= _DIGITS for place in places)
        most = sum(bool(place & _DIGITS) for place in places)
        if not any(least <= count <= most for count in COUNTS[check]):
            counts = " or ".join(map(str, COUNTS[check])) if check != "luhn" else "2 or more"
            raise ValueError(f"check: expected {counts} digits for {check!r}, got a length or a pattern of {most}")
