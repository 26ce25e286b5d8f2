"""One list of requirements, told twice, and a lock that fits it and names no place."""

import re
import tomllib

import pytest
import yaml
from lessons import ROOT
from packaging.requirements import Requirement

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"pytorch": "torch"}  # what conda calls by another name


def pyproject_requirements():
    listed = map(Requirement, [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
    return {requirement.name: requirement.specifier for requirement in listed}


def conda_requirements():
    *listed, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert pip["pip"].pop() == "-e .", "the last entry installs this package"
    requirements = [Requirement(line) for line in [*listed, *pip["pip"]] if line != "pip"]
    return {CONDA_NAMES.get(requirement.name, requirement.name): requirement.specifier for requirement in requirements}


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [Requirement(line) for line in lines]


def test_conda_and_pip_ask_for_the_same():
    conda = conda_requirements()
    assert str(conda.pop("python")) == str(Requirement(f"python{PROJECT['requires-python']}").specifier)
    assert conda == pyproject_requirements()


@pytest.mark.parametrize("name", pyproject_requirements())
def test_the_lock_pins_each_requirement_within_its_bounds(name):
    pins = [requirement.specifier for requirement in locked() if requirement.name == name]
    assert pins, f"{name} is not in requirements.lock: run `make lock`"
    for pin in pins:
        version = str(pin).removeprefix("==")
        assert pyproject_requirements()[name].contains(version), f"{name} {version}: run `make lock`"


def test_the_lock_is_exact_and_names_no_place():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"://|@ |--|\+cpu|file:", text)
    assert all(re.fullmatch(r"==[\w.]+", str(requirement.specifier)) for requirement in locked())


def test_the_lock_leaves_cuda_to_pytorch():
    assert [r.name for r in locked() if r.name.startswith(("nvidia", "cuda", "triton"))] == []
