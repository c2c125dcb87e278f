"""The project's promises about itself: who imports whom, what is public, and pages that speak of the code there is."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import importlinter.cli
import pytest

import landvote

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/*.md")])
HEAVY = {"torch", "safetensors", "ray", "sklearn", "scipy", "numba", "cv2", "matplotlib", "pandas", "pydicom"}
MAX_FILE = 2 * 1024**2


def test_imports_keep_the_order_of_stages():
    status = importlinter.cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == importlinter.cli.EXIT_STATUS_SUCCESS


@pytest.mark.parametrize(
    "program",
    [
        "import landvote",
        "import landvote.cli; sys.argv = ['landvote', '--help']; landvote.cli.main()",
    ],
    ids=["import", "help"],
)
def test_a_light_start_imports_nothing_heavy(program):
    report = f"atexit.register(lambda: print(*sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr))"
    run = subprocess.run(
        [sys.executable, "-c", f"import atexit, sys; {report}; {program}"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr.strip()) == (0, "")


def test_the_public_list_is_what_is_exported():
    for name in landvote.__all__:
        assert getattr(landvote, name) is not None
    modules = {name for name, value in vars(landvote).items() if isinstance(value, types.ModuleType)}
    visible = {name for name in vars(landvote) if not name.startswith("_")} - modules - {"annotations", "TYPE_CHECKING"}
    assert visible <= set(landvote.__all__)
    assert sorted(set(landvote.__all__)) == sorted(landvote.__all__)


def test_messages_of_the_library_name_no_flags():
    """Another program that uses the library has none; the command line adds the flag that helps."""
    flag = re.compile(r"(?<![\w-])--[a-z]")
    files = [p for p in (ROOT / "src").rglob("*.py") if p.parent.name != "cli"]
    assert len(files) > 50
    assert [f"{p.name}: {text}" for p in files for text in strings(p) if flag.search(text)] == []


def strings(file: Path) -> list[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def test_no_file_is_large():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in tracked.split("\0") if name]
    assert len(files) > 10
    assert [f.name for f in files if f.exists() and f.stat().st_size > MAX_FILE] == []


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^version: {re.escape(version)}$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)


def test_every_package_has_a_lowest_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = runpy.run_path(str(ROOT / "tests" / "lowest.py"))["lowest"](project)
    required = {line for lines in project["optional-dependencies"].values() for line in lines}
    named = {re.match(r"[\w-]+", line)[0] for line in (*required, *project["dependencies"])}
    assert set(found) == named - {"landvote"}


def test_docs_tree_in_the_readme_is_the_tree_there_is():
    package = ROOT / "src" / "landvote"
    folders = {f"{p.name}/" for p in package.iterdir() if p.is_dir() and p.name != "__pycache__" and any(p.iterdir())}
    files = {p.name for p in package.glob("*.py")} - {"__init__.py"}
    named = readme_tree((ROOT / "README.md").read_text(encoding="utf-8"))
    assert {name for name in named if "/" not in name.rstrip("/")} == folders | files
    assert [name for name in named if not (package / name).exists()] == []
    assert len(named) > len(folders | files) + 20  # the folders that hold the method are opened


def readme_tree(text: str) -> list[str]:
    """Return the paths below ``src/landvote/`` in the tree that is drawn by indentation, captions left out."""
    lines = text[text.index("\nsrc/landvote/\n") :].splitlines()[2:]
    names, above = [], ""
    for line in lines[: lines.index("```")]:
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        above = name if indent == 2 and name.endswith("/") else above if indent > 2 else ""
        names.append(name if indent == 2 else above + name)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_docs_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not resolves(page, link)]
    assert broken == []


def resolves(page: Path, link: str) -> bool:
    """Say whether a relative link meets a file, and its anchor a heading; other sites are taken on trust."""
    if re.match(r"[a-z]+:", link):
        return True
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """Return what GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_docs_pages_are_all_on_the_map():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {p.name for p in ROOT.glob("docs/*.md")} - {"index.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()
    assert "](docs/index.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_docs_of_the_command_line_are_current():
    written = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["reference"]() == written, "run `make docs`"


def test_the_tables_of_the_experiment_are_those_of_its_files(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hips.py"])
    runpy.run_path(str(ROOT / "results" / "hips.py"), run_name="__main__")
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    page = (ROOT / "results" / "experiment.md").read_text(encoding="utf-8").splitlines()
    assert [row for row in rows if row not in page] == []
