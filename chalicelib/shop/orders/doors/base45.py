"""Writes bytes in the 45 characters that QR codes hold two in eleven bits (RFC 9285)."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def encode(content: bytes) -> str:
    """Write each two bytes as three characters, and a last single one as two."""
    parts: list[str] = []
    for start in range(0, len(content), 2):
        pair = content[start : start + 2]
        number = int.from_bytes(pair)
        for _ in range(len(pair) + 1):
            number, digit = divmod(number, 45)
            parts.append(ALPHABET[digit])
    return "".join(parts)


def decode(text: str) -> bytes:
    """Read what `encode` wrote, and nothing else.

    Raises ValueError.
    """
    found = bytearray()
    for start in range(0, len(text), 3):
        group = text[start : start + 3]
        if len(group) == 1 or any(character not in _VALUES for character in group):
            raise ValueError("not base45")
        number = sum(_VALUES[character] * 45**place for place, character in enumerate(group))
        size = len(group) - 1
        if number >= 256**size:
            raise ValueError("not base45")
        found += number.to_bytes(size)
    return bytes(found)
