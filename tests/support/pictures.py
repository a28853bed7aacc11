"""Turns the picture of a code into pixels, for a decoder."""

import re

import numpy as np
from numpy.typing import NDArray

_RUN = re.compile(r"([MmhH])(-?[0-9.]+)(?: (-?[0-9.]+))?")
SCALE = 6


def rendered(svg: str) -> NDArray[np.uint8]:
    """The picture as pixels: runs of dark modules that are one high, over a white ground."""
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())  # type: ignore[union-attr]
    pixels = np.full((height, width), 255, np.uint8)
    assert f'<path fill="#fff" d="M0 0h{width}v{height}h-{width}z"/>' in svg
    [path] = re.findall(r'class="qrline"[^>]* d="([^"]+)"', svg)
    x = y = 0.0
    for command, first, second in _RUN.findall(path):
        match command:
            case "M":
                x, y = float(first), float(second)
            case "m":
                x, y = x + float(first), y + float(second)
            case "h":
                pixels[int(y), int(x) : int(x + float(first))] = 0
                x += float(first)
    return pixels.repeat(SCALE, 0).repeat(SCALE, 1)
