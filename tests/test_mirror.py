"""Tests lie where the code lies: `src/idc/ROOM/STEM.py` has `tests/ROOM/test_STEM.py`.

``python tests/test_mirror.py`` lists the modules without a test file of their own.
"""

from pathlib import Path

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "idc"
# Modules that join others and have no behaviour of their own: the test file that runs them.
JOINS = {
    **{
        f"{app}.py": f"pipelines/test_{app}.py"
        for app in ("train", "prepare", "evaluate", "compare", "explain", "review", "signoff")
    },
    "gc.py": "app/test_ended.py",
    "sync.py": "tracking/test_leftovers.py",
    **dict.fromkeys(("__main__.py", "launch/completion.py"), "test_cli.py"),
    "launch/commands.py": "pipelines/test_evaluate.py",
    "launch/gc.py": "app/test_ended.py",
    "launch/job.py": "pipelines/test_train.py",
    "launch/parent.py": "launch/test_sweep.py",
    "tracking/entities.py": "tracking/test_lookup.py",
    "tracking/model.py": "pipelines/test_train.py",
    # Archives, each read and divided by the same laws, and by its own.
    **{
        f"data/sources/{name}.py": "data/sources/test_archives.py"
        for name in ("bach", "breakhis", "chest_xray", "ham10000", "malaria", "pcam")
    },
    "evaluation/per_label.py": "pipelines/test_multi_label.py",
    # A search, whose parts are tried together.
    **dict.fromkeys(
        ("launch/search_results.py", "launch/search_space.py", "pipelines/trial.py"),
        "launch/test_search.py",
    ),
    # The page, whose parts only a browser shows together.
    **{
        f"reader_study/{name}.py": "reader_study/test_browser.py"
        for name in ("case_view", "closing", "map_view", "page_parts", "review_page")
    },
    "reader_study/case.py": "reader_study/test_case_book.py",
    # Declarations, each of whose values is checked.
    **{
        f"config/schema/{name}.py": "config/test_check.py"
        for name in ("data", "decisions", "explain", "learning", "places")
    },
}
# Modules without tests of their own: this number only falls.
MOST = 24


def modules_without_tests() -> list[str]:
    """Modules, relative to ``src/idc``, that have no test file of their stem in their room."""
    modules = (path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*.py")))
    return [
        module.as_posix()
        for module in modules
        if module.name != "__init__.py"
        and module.as_posix() not in JOINS
        and not (TESTS / module.parent / f"test_{module.name}").is_file()
    ]


def test_modules_have_a_test_file_of_their_stem() -> None:
    assert len(modules_without_tests()) <= MOST, modules_without_tests()


def test_what_joins_others_exists_and_is_tested() -> None:
    assert not [name for name in JOINS if not (SOURCE / name).is_file()]
    assert not [name for name in JOINS.values() if not (TESTS / name).is_file()]


if __name__ == "__main__":
    print(*modules_without_tests(), sep="\n")
