"""Writes the recorded decisions anew: ``python -m tests.golden.record``.

A decision that changes is a change that users see: say so in CHANGELOG.md.
"""

from __future__ import annotations

import json
import sys

from tests.golden.questions import FOLDER, QUESTIONS, file_of, record_of


def main() -> None:
    """One file for each question; files of questions that are gone are removed."""
    FOLDER.mkdir(exist_ok=True)
    changed = []
    for name, question in QUESTIONS.items():
        text = json.dumps(record_of(question), indent=1, ensure_ascii=False) + "\n"
        path = file_of(name)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path.name)
    for path in set(FOLDER.glob("*.json")) - {file_of(name) for name in QUESTIONS}:
        path.unlink()
        changed.append(f"{path.name} (removed)")
    sys.stdout.write("".join(f"{name}\n" for name in sorted(changed)))
    sys.stdout.write(f"{len(changed)} of {len(QUESTIONS)} changed\n")
    if changed:
        sys.stdout.write("say in CHANGELOG.md, under Unreleased, which decisions change and why\n")


if __name__ == "__main__":
    main()
