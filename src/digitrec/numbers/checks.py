"""Check digits: whether the last digit of a number is the one that those before it ask for."""

from collections.abc import Callable

Check = str | Callable[[str], bool]


def has_luhn_digit(text: str) -> bool:
    """Tell whether the last digit is Luhn's (ISO/IEC 7812-1), as on bank cards; marks do not count.

    >>> has_luhn_digit("79927398713"), has_luhn_digit("79927398710")
    (True, False)
    """
    digits = _find_digits(text)[::-1]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[1::2]]
    return len(digits) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def has_ean_digit(text: str) -> bool:
    """Tell whether the last digit is that of an EAN or UPC of 8, 12, 13 or 14 digits: weights 1 and 3 from the right.

    >>> has_ean_digit("96385074"), has_ean_digit("96385075"), has_ean_digit("19")
    (True, False, False)
    """
    digits = _find_digits(text)[::-1]
    return len(digits) in COUNTS["ean"] and (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def has_isbn13_digit(text: str) -> bool:
    """Tell whether thirteen digits are an ISBN: an EAN that begins with 978 or 979.

    >>> has_isbn13_digit("978-3-16-148410-0"), has_isbn13_digit("4006381333931")
    (True, False)
    """
    digits = _find_digits(text)
    return len(digits) == 13 and digits[:2] == [9, 7] and digits[2] > 7 and has_ean_digit(text)


def has_isbn10_digit(text: str) -> bool:
    """Tell whether ten digits are an ISBN of before 2007, weights 10 to 1, modulo 11; one that ends in X is not read.

    >>> has_isbn10_digit("0-306-40615-2"), has_isbn10_digit("0306406153")
    (True, False)
    """
    digits = _find_digits(text)
    weighted = sum(weight * one for weight, one in zip(range(10, 0, -1), digits, strict=False))
    return len(digits) == 10 and weighted % 11 == 0


def _find_digits(text: str) -> list[int]:
    return [int(one) for one in text if one in "0123456789"]


CHECKS: dict[str, Callable[[str], bool]] = {
    "luhn": has_luhn_digit,
    "ean": has_ean_digit,
    "isbn13": has_isbn13_digit,
    "isbn10": has_isbn10_digit,
}
COUNTS = {"luhn": range(2, 61), "ean": (8, 12, 13, 14), "isbn13": (13,), "isbn10": (10,)}  # of the digits of each
