"""Text files from disk, with errors that name the file."""

from __future__ import annotations

from pathlib import Path

from router.errors import InvalidConfig

MAX_TEXT_BYTES = 64_000_000


def read_text(path: Path) -> str:
    """The whole file as UTF-8, without a byte order mark. Raises InvalidConfig naming the file and, for bytes
    that are not UTF-8, the line."""
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise InvalidConfig.at(str(path), f"is larger than {MAX_TEXT_BYTES} bytes")
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 text: byte 0x{raw[error.start]:02X}"
        raise InvalidConfig.at(f"{path}:{line}", message) from error


def unreadable(path: Path, error: Exception) -> InvalidConfig:
    """The error for a file that the system does not let us read."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InvalidConfig.at(str(path), f"cannot be read: {reason}")
