"""The workflows are YAML, run on a schedule or a push, and call only what is there."""

import re
import tomllib

import pytest
import yaml
from lessons import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def read(path):
    return yaml.safe_load(path.read_text("utf-8"))


def commands(path):
    return [step["run"] for job in read(path)["jobs"].values() for step in job["steps"] if "run" in step]


def test_there_is_one_for_each_purpose():
    assert [path.stem for path in WORKFLOWS] == ["ci", "newest", "site", "versions"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_says_when_and_asks_for_no_more_than_it_needs(path):
    workflow = read(path)
    assert workflow[True], "when it runs: YAML 1.1 reads `on` as true"  # GitHub reads it as a word
    assert workflow["permissions"]["contents"] == "read"
    assert all(job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_what_is_there(path):
    for command in commands(path):
        for target in re.findall(r"\bmake ([a-z-]+)", command):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), command
        for file in re.findall(r"(?<![\w/])(?:\.ci/\w+|tests/\w+\.py|requirements\.lock)", command):
            assert (ROOT / file).exists(), command


def test_the_nightly_pythons_are_those_that_are_allowed():
    job = read(ROOT / ".github" / "workflows" / "versions.yml")["jobs"]["check"]
    low, high = map(int, re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups())
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(low, high)]


def test_ci_runs_the_whole_check():
    assert commands(ROOT / ".github" / "workflows" / "ci.yml") == [".ci/run"]
