"""Units: what stands beside a number and is no part of it: signs of currencies, units, words, by hand and in print."""

import numpy as np

from digitrec.synthesis.canvas import Ink, crop, scale_ink
from digitrec.synthesis.hands import write_glyph
from digitrec.synthesis.printing import print_words
from digitrec.synthesis.writers import HEIGHT

BEFORE = (
    "$", "$", "$", "€", "€", "£", "R$", "US$", "EUR", "CHF", "Fr.", "Rs.", "#", "No.", "Nr.", "N°", "Total", "Total:",
    "Sum:", "Summe", "Betrag", "Amount", "Date:", "Datum", "Age", "ZIP", "PLZ", "Tel.", "Temp.", "x =", "=",
)  # fmt: skip
BEHIND = (
    "€", "€", "EUR", "$", "kg", "kg", "g", "cm", "mm", "m", "km", "%", "%", "°C", "h", "min", "ml", "kWh", "mm Hg",
    "pts", "Punkte", "years", "Jahre", "St.",
)  # fmt: skip
# Written as `glyphs` says; how high each is, by the digits' height, and how far it reaches below their line.
_HANDS = {
    "$": ("61 40 11 13 34 55 67 48 18 07/30 39, 71 50 20 12 24 55 67 58 28 07/40 49,"
          "61 30 12 24 55 58 28 07/35 39/40 42", 1.1, 0.05),
    "€": ("72 50 31 13 06 18 39 59 78/03 53/05 45, 71 50 21 04 06 28 59 78/04 64/06 56", 1.0, 0.0),
    "£": ("62 50 31 22 25 38 09. 29 59 78/05 55, 72 50 31 33 37 19. 69/14 54", 1.0, 0.0),
    "%": ("20 11 13 24 33 31 20/80 09/65 56 58 69 78 76 65, 20 02 14 32 20/70 19/66 58 69 87 66", 0.9, 0.0),
    "R": ("10 19/10 40 52 34 15. 59, 00 09/00 50 53 04. 69", 1.0, 0.0),
    "N": ("09 00. 69. 60, 19 10. 58. 61, 08 02 11. 48 59. 50", 1.0, 0.0),
    "F": ("10 19/10 60/14 44, 70 20. 29/24 54", 1.0, 0.0),
    "k": ("00 09/50 05. 59, 11 20 09. 05 24 36 15. 59", 1.0, 0.0),
    "m": ("00 09. 02 21 33 39. 33 51 63 69, 02 09. 03. 21 32 38. 33. 51 62 68 79", 0.55, 0.0),
    "c": ("52 31 12 05 08 29 58, 51 30 04 07 39 69", 0.55, 0.0),
    "r": ("10 19. 14 31 52, 01 11 18. 14 31 51", 0.55, 0.0),
    "o": ("30 11 04 07 29 48 55 51 30, 20 02 06 29 57 52 20", 0.5, 0.0),
    "g": ("51 30 12 14 25 44 51. 57 49 28 17, 50 20 03 15 45 50. 57 39 18 06 44 63", 0.8, 0.3),
}  # fmt: skip
BEFORE_BY_HAND, BEHIND_BY_HAND = ("$", "$", "€", "£", "R$", "No", "Fr"), ("€", "$", "%", "kg", "cm", "m", "km", "Fr")
_LETTERS = "acdefhjkmnprtuvwxyACDEFGHJKLMNPRTUVWXY"  # of words of no language; a single O or l would be a digit


def draw_unit(behind: bool, rng: np.random.Generator) -> tuple[Ink, int]:
    """Draw what stands before or behind a number, as `lettering.draw_mark` does a mark.

    Args:
        behind: as a unit does; before, as a sign of a currency does, or a label.
        rng: source of all randomness.

    Returns:
        float32 (h, w), 0-1, cut out, for digits HEIGHT high, and how far below their tops it begins.
    """
    if rng.random() < 0.4:
        return _write(str(rng.choice(BEHIND_BY_HAND if behind else BEFORE_BY_HAND)), rng)
    word = str(rng.choice(BEHIND if behind else BEFORE))
    if rng.random() < 0.35:
        word = "".join(rng.choice(list(_LETTERS), int(rng.integers(2, 8))))
    ink = print_words(word, rng)
    size = HEIGHT * rng.uniform(0.3, 1.05) / max(len(ink), 24)  # of a low word, as of one with tall letters
    ink = scale_ink(ink, size)
    return ink, HEIGHT - len(ink) + round(HEIGHT * rng.normal(0, 0.08))


def _write(word: str, rng: np.random.Generator) -> tuple[Ink, int]:
    """Write a unit by hand, its letters side by side on the line."""
    parts, size = [], rng.uniform(0.7, 1.1)
    for letter in word:
        forms, height, depth = _HANDS[letter]
        ink = crop(write_glyph(forms, rng))
        ink = scale_ink(ink, HEIGHT * height * size / len(ink))
        parts.append((ink, round(HEIGHT * (height - depth) * size)))
    above = max(rise for _, rise in parts)
    below = max(len(ink) - rise for ink, rise in parts)
    gap = round(rng.uniform(0, 0.12) * HEIGHT)
    word_ink = [np.pad(ink, ((above - rise, below - len(ink) + rise), (0, gap))) for ink, rise in parts]
    return np.concatenate(word_ink, axis=1)[:, : -gap or None], HEIGHT - above + round(HEIGHT * rng.normal(0, 0.05))
