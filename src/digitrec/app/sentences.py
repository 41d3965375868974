"""What the page says: answers, and why there is none, in words for everyone."""

from typing import TYPE_CHECKING

from digitrec.recognizer import Answer

if TYPE_CHECKING:
    from digitrec.numbers.reader import Number


def describe_answer(answer: Answer) -> str:
    """Say an answer, or why there is none, in words for everyone."""
    if answer.kind == "digit":
        sure = "surely" if answer.confidence > 0.99 else "probably" if answer.confidence > 0.8 else "perhaps"
        return f"This is {sure} {'an' if answer.digit == 8 else 'a'} {answer.digit}."
    if answer.kind == "blank":
        return "Draw a digit, 0 to 9."
    if answer.kind == "unsure":
        best, second = answer.probabilities.argsort()[:-3:-1]
        return f"Hard to tell: it could be {best} or {second}."
    if answer.kind == "several digits":
        return "These are several digits: give one at a time."
    return "This is not a digit: it looks like none of the ten."


def describe_number(number: "Number") -> str:
    """Say a number, or why there is none, in words for everyone."""
    if number.kind == "number":
        return f"This reads {number.text}, {min(round(100 * number.confidence), 99)} % sure."
    if number.kind == "blank":
        return "Write a number."
    if number.kind == "unsure":
        readings = [text for text in (number.best, *(text for text, _ in number.alternatives[:1])) if text]
        return f"Hard to tell: it could be {' or '.join(readings)}."
    return "This is not a number."
