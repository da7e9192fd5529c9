"""Tests lie where the code lies: `src/idc/ROOM/STEM.py` has `tests/ROOM/test_STEM.py`.

``python tests/test_mirror.py`` lists the modules without a test file of their own.
"""

from pathlib import Path

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "idc"


def modules_without_tests() -> list[str]:
    """Modules, relative to ``src/idc``, that have no test file of their stem in their room."""
    modules = (path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*.py")))
    return [
        str(module)
        for module in modules
        if module.name != "__init__.py"
        and not (TESTS / module.parent / f"test_{module.name}").is_file()
    ]


if __name__ == "__main__":
    print(*modules_without_tests(), sep="\n")
