"""Gather build/offline-kit: the course, its wheels and its pages, from which `make lab` works without a network.

    make offline-kit ARGS="--platforms linux macos-arm --pythons 3.12 3.13"

Without ARGS it is for machines like this one. Windows has no `make`: its wheels are for `pip install` by hand. To take
PyTorch without CUDA on Linux, set UV_TORCH_BACKEND=cpu and name its index in PIP_EXTRA_INDEX_URL.
"""

import argparse
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KIT, SITE = ROOT / "build" / "offline-kit", ROOT / "build" / "site"
PLATFORMS = {  # our name -> (uv's name, the tags of wheels that run there)
    "linux": (
        "x86_64-manylinux_2_28",
        [*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), "manylinux2014_x86_64", "manylinux1_x86_64"],
    ),
    "linux-arm": (
        "aarch64-manylinux_2_28",
        [f"manylinux_2_{minor}_aarch64" for minor in range(28, 16, -1)] + ["manylinux2014_aarch64"],
    ),
    "macos-arm": ("aarch64-apple-darwin", [f"macosx_{major}_0_arm64" for major in range(14, 10, -1)]),
    "windows": ("x86_64-pc-windows-msvc", ["win_amd64"]),
}
ALWAYS = ("uv", "setuptools>=77", "wheel")  # what .ci/setup begins with
START = """# The course, without a network

`make lab` builds the environment from `wheels/` and opens the first lesson. It needs Python {pythons} and `make`.
On Windows: `python -m venv .venv`, then
`.venv\\Scripts\\pip install --no-index --find-links wheels -e .`, then `.venv\\Scripts\\jupyter lab`.
Only reading? Open `site/index.html`. Wheels are for: {platforms}.
"""


def this_platform() -> str:
    """Return our name of this machine's platform."""
    kind = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}.get(platform.system(), "")
    name = kind + ("-arm" if platform.machine() in ("arm64", "aarch64") else "")
    if name not in PLATFORMS:
        raise SystemExit(f"offline-kit: {platform.platform()} has no name here: give one of {', '.join(PLATFORMS)}")
    return name


def uv() -> str:
    """Return the uv that .ci/setup uses."""
    found = shutil.which("uv") or next((str(p) for p in ROOT.glob(".uv/bin/uv*") if p.stem == "uv"), None)
    if not found:
        raise SystemExit("offline-kit: uv is missing: `make setup` brings it")
    return found


def copy_course(kit: Path) -> None:
    """Copy what git knows of, as it stands here: nothing that was built, nothing that is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (kit / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, kit / name)


def pins(source: Path, where: str, python: str) -> str:
    """Return the versions of requirements.lock that a platform needs, with CUDA's libraries for PyTorch."""
    command = [uv(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--extra", "dev", str(source)]
    command += ["--constraint", str(ROOT / "requirements.lock"), "--python-platform", PLATFORMS[where][0]]
    return subprocess.run([*command, "--python-version", python], capture_output=True, text=True, check=True).stdout


def download(requirements: list[str], where: str, python: str, folder: Path) -> None:
    """Fetch the wheels of exact requirements for a platform and a Python; what is there stays."""
    tags = [part for tag in PLATFORMS[where][1] for part in ("--platform", tag)]
    command = [uv(), "tool", "run", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *tags]
    command += ["--python-version", python, "--dest", str(folder)]
    subprocess.run([*command, *requirements], check=True)


def gather(kit: Path, platforms: list[str], pythons: list[str]) -> None:
    """Make a kit anew."""
    shutil.rmtree(kit, ignore_errors=True)
    copy_course(kit)
    for where in platforms:
        for python in pythons:
            print(f"offline-kit: wheels for {where}, Python {python}", flush=True)
            wanted = pins(ROOT / "pyproject.toml", where, python).split()
            download([*wanted, *ALWAYS], where, python, kit / "wheels")
    if SITE.exists():
        shutil.copytree(SITE, kit / "site")
    (kit / "START.md").write_text(START.format(pythons=", ".join(pythons), platforms=", ".join(platforms)), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make offline-kit", description=__doc__.partition("\n")[0])
    parser.add_argument("--platforms", nargs="+", choices=PLATFORMS, default=[this_platform()])
    parser.add_argument("--pythons", nargs="+", default=[f"{sys.version_info.major}.{sys.version_info.minor}"])
    chosen = parser.parse_args()
    try:
        gather(KIT, chosen.platforms, chosen.pythons)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"offline-kit: it is not whole ({error}).") from error
    size = sum(path.stat().st_size for path in KIT.rglob("*") if path.is_file())
    print(
        f"offline-kit: {KIT.relative_to(ROOT)}, {size / 1e9:.1f} GB. Copy the whole folder; START.md says how to begin."
    )


if __name__ == "__main__":
    main()
