"""Texts: the numbers that people write into cells, forms and cheques, from nothing at all to ten digits."""

import numpy as np

CHARACTERS = "0123456789.,-/"
_LENGTHS = np.array([0.16, 0.24, 0.22, 0.13, 0.1, 0.07, 0.03, 0.02, 0.02, 0.01])  # of whole numbers, from one digit on
_BENFORD = np.log10(1 + 1 / np.arange(1, 10))


def choose_text(rng: np.random.Generator) -> str:
    """Choose what somebody writes: a count, a measurement, an amount, a date, a postcode, or nothing.

    Returns:
        A string over CHARACTERS of at most ten digits, which neither begins nor ends with a mark, but for a leading
        minus; empty for a cell left blank.
    """
    kind = rng.random()
    if kind < 0.07:
        return ""
    if kind < 0.12:  # one digit in its box, and none is so easily taken for a border as a one
        return "1" if rng.random() < 0.5 else str(rng.integers(10))
    if kind < 0.56:
        text = _choose_digits(1 + int(rng.choice(len(_LENGTHS), p=_LENGTHS)), rng)
    elif kind < 0.85:
        text = _choose_decimal(rng)
    elif kind < 0.95:
        text = _group(_choose_digits(int(rng.integers(4, 10)), rng), "., "[int(rng.integers(2))])
    else:
        return _choose_date(rng)
    return "-" + text if rng.random() < 0.05 else text


def _choose_digits(length: int, rng: np.random.Generator) -> str:
    """Choose digits: at random, or as amounts begin, with the same again at times, or zeros at the end."""
    digits = rng.integers(10, size=length)
    if rng.random() < 0.5:
        digits[0] = 1 + rng.choice(9, p=_BENFORD)
    again = rng.random(length) < 0.08
    for i in np.flatnonzero(again[1:]) + 1:
        digits[i] = digits[i - 1]
    if length > 1 and rng.random() < 0.3:
        digits[int(rng.integers(1, length)) :] = 0
    return "".join(map(str, digits.tolist()))


def _choose_decimal(rng: np.random.Generator) -> str:
    """Choose a measurement, as 36.6, or a price, as 12,50."""
    before, after = int(rng.choice([1, 2, 3], p=[0.42, 0.43, 0.15])), int(rng.choice([1, 2, 3], p=[0.62, 0.3, 0.08]))
    return _choose_digits(before, rng) + ".,"[int(rng.integers(2))] + _choose_digits(after, rng)


def _group(digits: str, mark: str) -> str:
    """Part thousands by a mark, and at times a last pair by another."""
    head = (len(digits) - 1) % 3 + 1
    return mark.join([digits[:head], *(digits[i : i + 3] for i in range(head, len(digits), 3))])


def _choose_date(rng: np.random.Generator) -> str:
    """Choose a day and a month, at times a year, or a fraction, a room, a number with a dash."""
    mark = str(rng.choice(["/", "/", "/", "-", "."]))
    parts = [str(int(rng.integers(1, 32))), str(int(rng.integers(1, 13)))]
    if rng.random() < 0.4:
        parts.append(f"{int(rng.integers(100)):02d}" if rng.random() < 0.6 else str(int(rng.integers(1900, 2100))))
    return mark.join(part.zfill(2) if len(part) == 1 and rng.random() < 0.3 else part for part in parts)
