"""Cameras: how a scene becomes a picture, by photograph, by scanner of few pixels, by mouse."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from digitrec.synthesis.canvas import Ink, crop, draw_cloud

Picture = NDArray[np.uint8]


def photograph(ink: Ink, marks: Ink, rng: np.random.Generator) -> Picture:
    """Photograph ink on paper: light, shadows, stains, fading, blur, grain, JPEG, any polarity.

    Args:
        ink: float32 (h, w), 0-1, what the pen wrote.
        marks: float32 (h, w), 0 and above, what was printed or ruled, 1 as dark as the pen.
        rng: source of all randomness.

    Returns:
        uint8 (h, w) or (h, w, 3).
    """
    height, width = ink.shape
    fade = rng.uniform(0.1, 0.6) if rng.random() < 0.35 else 0  # ink that ran dry in places
    if fade:
        ink = ink * (1 - fade * draw_cloud(height, width, 6, rng))
    contrast = np.exp(rng.uniform(-1.6, -0.05))
    paper = rng.uniform(max(0.35, contrast), 1)
    if rng.random() < 0.25:
        tone = _colour(ink, marks, paper, contrast, rng)
    else:
        tone = paper - contrast * np.maximum(ink, marks)
    light = _shine(height, width, rng)
    tone = np.clip(tone, 0, 1) * (light if tone.ndim == 2 else light[:, :, None])
    grain = contrast * rng.uniform(0, 0.08)
    tone += grain * rng.standard_normal(tone.shape[:2] + (1,) * (tone.ndim - 2), dtype=np.float32)
    image = Image.fromarray((np.clip(tone, 0, 1) * 255 + 0.5).astype(np.uint8))
    if rng.random() < 0.7:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.025) * min(height, 64)))
    if rng.random() < 0.12:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(rng.integers(15, 80)))
        image = Image.open(file)
    pixels = np.asarray(image)
    return ~pixels if rng.random() < 0.12 else pixels


def _colour(ink: Ink, marks: Ink, paper: float, contrast: float, rng: np.random.Generator) -> Ink:
    """Lay ink of one colour and marks of another on paper of a third, at times as old paper is; (h, w, 3)."""
    tint = rng.uniform(0.55, 1, 3)
    if rng.random() < 0.6:
        tint = np.sort(tint)[::-1]  # red, then green, then blue: yellowed paper
    tints = np.stack([tint, rng.uniform(0.5, 1, 3), rng.uniform(0.3, 1, 3)]).astype(np.float32)
    tints *= np.array([[paper], [contrast], [contrast]], np.float32)
    return tints[0] - np.maximum(ink[:, :, None] * tints[1], marks[:, :, None] * tints[2])


def _shine(height: int, width: int, rng: np.random.Generator) -> Ink:
    """Return the light on every pixel, 0-1: uneven, at times with shadows, stains or a dark frame."""
    light = 1 - rng.uniform(0, 0.3) * draw_cloud(height, width, 3, rng)
    kind = rng.random()
    if kind < 0.08:  # a hand's shadow, or a lamp's edge
        angle, soft = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.6)
        across = np.linspace(-1, 1, width, dtype=np.float32) * np.cos(angle)
        along = across + (np.linspace(-1, 1, height, dtype=np.float32) * np.sin(angle))[:, None]
        light *= 1 - rng.uniform(0.1, 0.55) * np.clip((along - rng.uniform(-0.7, 0.7)) / soft, 0, 1)
    elif kind < 0.14:  # a binding, or the paper's end
        away = np.arange(width if rng.random() < 0.7 else height, dtype=np.float32)
        dark = 1 - rng.uniform(0.2, 0.8) * np.exp(-away / (len(away) * rng.uniform(0.02, 0.25)))
        dark = dark if rng.random() < 0.5 else dark[::-1]
        light *= dark if len(dark) == width else dark[:, None]
    elif kind < 0.2:  # stains
        light *= 1 - rng.uniform(0.1, 0.35) * (draw_cloud(height, width, 8, rng) > rng.uniform(0.6, 0.85))
    elif kind < 0.25:  # a dark frame, or some sides of it
        top, bottom, left, right = (rng.uniform(0, 0.08, 4) * (rng.random(4) < 0.6) * max(height, width)).astype(int)
        frame = np.full((height, width), rng.uniform(0.05, 0.6), np.float32)
        frame[top : height - bottom, left : width - right] = 1
        light *= frame
    return light


def scan_bitmap(ink: Ink, rng: np.random.Generator) -> Ink:
    """Scan a digit as collections of few pixels were: 14 to 32 a side, mostly in two tones, touching the frame.

    Args:
        ink: float32 (h, w), 0-1.
        rng: source of all randomness.

    Returns:
        float32, 0-1, stretched to a square, or no wider or higher than that.
    """
    ink = crop(ink)
    side = int(rng.choice([16, 16, 32, int(rng.integers(14, 33))]))
    size = [side, side]
    if rng.random() < 0.5:  # in proportion
        size = [max(3, round(length * side / max(ink.shape))) for length in ink.shape[::-1]]
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR)).clip(0, 1)
    if rng.random() < 0.75:
        small = (small > measure_darkness(small) * rng.uniform(0.3, 0.7)).astype(np.float32)
    return np.pad(small, rng.integers(0, 3, (2, 2))) if rng.random() < 0.4 else small


def draw_with_mouse(ink: Ink, rng: np.random.Generator) -> Ink:
    """Draw a digit as a mouse does: two tones, few pixels; float32."""
    scale = int(rng.integers(20, 40)) / max(ink.shape)
    size = [max(5, round(length * scale)) for length in ink.shape[::-1]]
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR))
    return (small > measure_darkness(small) * rng.uniform(0.3, 0.7)).astype(np.float32)


def measure_darkness(ink: Ink) -> float:
    """Return how dark a typical stroke is: the mean of ink over the ink; at least 0.1, so that one can divide by it."""
    return max(float(np.vdot(ink, ink)) / max(float(ink.sum()), 1e-3), 0.1)
