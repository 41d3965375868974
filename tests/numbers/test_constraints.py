"""What is known of a number: each part of it against a search through all short texts, and what nothing can be."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.numbers import checks
from digitrec.numbers.constraints import CHARACTERS, LONGEST, Constraint
from digitrec.numbers.values import ListedTexts, NumberRange

SOME = "012.-"
TEXTS = ["".join(text) for length in range(4) for text in product(SOME, repeat=length)]

texts = st.text(SOME, min_size=1, max_size=3).filter(lambda text: text.strip(".,") == text)
known = st.fixed_dictionaries(
    {},
    optional={
        "length": st.integers(1, 3),
        "pattern": st.text("d0.-", min_size=1, max_size=3).filter(lambda text: text.strip(".,") == text),
        "characters": st.sampled_from(["0", "01", "012.", "0-"]),
        "values": st.lists(texts, min_size=1, max_size=5),
    },
)


def make(given_known: dict) -> Constraint | None:
    """Return a constraint; None where nothing can be all of that."""
    try:
        return Constraint(**given_known)
    except ValueError as error:
        message = str(error)
    assert message.partition(":")[0] in ("length", "pattern", "characters", "values")
    return None


def fits(text: str, given_known: dict) -> bool:
    """Tell by the definition of each part whether a text is allowed."""
    pattern = given_known.get("pattern")
    return (
        len(text) > 0
        and len(text) == given_known.get("length", len(text))
        and set(text) <= set(given_known.get("characters", CHARACTERS))
        and (pattern is None or len(text) == len(pattern))
        and (pattern is None or all(a.isdigit() if b == "d" else a == b for a, b in zip(text, pattern, strict=True)))
        and text in given_known.get("values", [text])
    )


@settings(max_examples=150, deadline=None)
@given(known)
def test_a_text_is_allowed_and_may_begin_one_as_by_definition(given_known):
    constraint = make(given_known)
    allowed = [text for text in TEXTS if fits(text, given_known)]
    if constraint is None:
        assert not [text for text in allowed if text.strip(".,") == text] or "length" in given_known
        return
    assert [text for text in TEXTS if constraint.accepts(text)] == allowed
    if not constraint.is_open:
        beginnings = {text[:end] for text in allowed for end in range(len(text) + 1)}
        assert {text for text in TEXTS if constraint.may_begin(text)} == beginnings | {""}


@settings(max_examples=150, deadline=None)
@given(st.integers(-130, 130), st.integers(-130, 130), st.integers(-7, 7).filter(bool))
def test_a_range_knows_its_numbers_and_their_beginnings_as_a_list_of_them_would(first, last, step):
    values = range(first, last, step)
    if not values:
        with pytest.raises(ValueError, match=r"values: expected a range"):
            NumberRange(values)
        return
    ours = NumberRange(values)
    written = {sign + "0" * zeros + str(abs(n)) for n in values for sign in ["-" * (n < 0)] for zeros in range(4)}
    beginnings = {text[:end] for text in written for end in range(len(text) + 1)}
    for text in ["".join(one) for length in range(4) for one in product("0123-", repeat=length)]:
        assert (text in ours) == (text in written)
        assert ours.may_begin(text) == (text in beginnings)


def test_a_wide_range_is_not_listed():
    known = Constraint(values=range(10**17))
    assert known.accepts("31415926535897932")
    assert not known.may_begin("314159265358979323")
    assert Constraint(values=range(100, 10**17, 100)).accepts("1500")


@given(st.lists(st.text("0123456789.", max_size=4), max_size=30), st.text("0123456789.", max_size=4))
def test_listed_texts_are_found_by_their_beginnings(listed, text):
    ours = ListedTexts(listed)
    assert (text in ours) == (text in listed)
    assert ours.may_begin(text) == any(one.startswith(text) for one in listed)


def test_values_may_be_anything_that_prints_as_a_number():
    known = Constraint(values=(n / 2 for n in range(5)))
    assert [text for text in ("0", "0.0", "0.5", "1.0", "2", "2.0", "2.5") if known.accepts(text)] == [
        "0.0", "0.5", "1.0", "2.0",
    ]  # fmt: skip


# --- check digits -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "right"),
    [
        ("luhn", "4539578763621486"),
        ("ean", "4006381333931"),
        ("ean", "96385074"),
        ("ean", "036000291452"),
        ("isbn13", "9783161484100"),
        ("isbn10", "0306406152"),
    ],
)
def test_a_check_digit_finds_each_wrong_digit(check, right):
    assert Constraint(check=check).accepts(right)
    for i, one in enumerate(right):
        for other in set("0123456789") - {one}:
            assert not Constraint(check=check).accepts(right[:i] + other + right[i + 1 :])


def test_a_check_may_be_a_function_of_the_text():
    known = Constraint(length=3, check=lambda text: int(text) % 7 == 0)
    assert [n for n in range(100, 120) if known.accepts(str(n))] == [105, 112, 119]


def test_marks_do_not_count_in_a_check():
    assert checks.has_isbn13_digit("978-3-16-148410-0")
    assert checks.has_isbn10_digit("0-306-40615-2")


# --- what nothing can be ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_known", "message"),
    [
        ({"length": 0}, "length: expected 1 to 60 characters, got 0"),
        ({"length": True}, "length: expected 1 to 60 characters, got True"),
        ({"length": "4"}, "length: expected 1 to 60 characters, got '4'"),
        ({"pattern": "d?"}, "pattern: expected d for any digit and . , - / for themselves, as in 'dd.d', got 'd?'"),
        ({"pattern": ""}, "pattern: expected d"),
        ({"pattern": "dd."}, "pattern: expected none that begins or ends with . or ,"),
        ({"pattern": "dd", "length": 3}, "length: expected 2, as the pattern is long, or none beside it, got 3"),
        ({"pattern": "d.d", "characters": "0123456789"}, "characters: expected all that the pattern 'd.d' asks for"),
        ({"characters": ""}, "characters: expected some of"),
        ({"characters": "12x"}, "characters: expected some of"),
        ({"characters": ".-"}, "characters: expected some of '0123456789.,-/', a digit among them, got '.-'"),
        ({"values": []}, "values: expected 1 to 1,000,000 of them, got none"),
        ({"values": "12"}, "values: expected a list of texts or numbers, or a range, got '12'"),
        ({"values": 12}, "values: expected a list of texts or numbers, or a range, got 12"),
        ({"values": [12, "x"]}, "values: expected texts of '0123456789.,-/', no mark at either end, got 'x'"),
        ({"values": [".5"]}, "values: expected texts of"),
        ({"values": range(5, 5)}, "values: expected a range of numbers of up to 18 digits, got range(5, 5)"),
        ({"values": range(10**30)}, "values: expected a range"),
        (
            {"values": range(1000, 2000), "length": 3},
            "values: expected numbers of at most 3 characters, got range(1000",
        ),
        ({"values": range(-20, -9), "pattern": "dd"}, "values: expected numbers of at most 2 characters"),
        ({"values": iter(range(2_000_000))}, "values: expected 1 to 1,000,000 of them, got more"),
        ({"values": ["12", "34"], "length": 3}, "values: expected one at least that fits what else is known, got none"),
        ({"values": ["12"], "check": "luhn"}, "values: expected one at least that fits"),
        ({"check": "crc"}, "check: expected one of luhn, ean, isbn13, isbn10, or a function of the text, got 'crc'"),
        ({"check": "isbn10", "length": 8}, "check: expected 10 digits for 'isbn10', got a length or a pattern of 8"),
        ({"check": "ean", "pattern": "dd-dd"}, "check: expected 8 or 12 or 13 or 14 digits for 'ean'"),
    ],
)
def test_what_nothing_can_be_is_said_in_a_line(given_known, message):
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        Constraint(**given_known)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_no_number_is_longer_than_a_line_holds():
    assert not Constraint(characters="1").may_begin("1" * (LONGEST + 1))
