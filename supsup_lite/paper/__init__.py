"""The paper's experiments as plain commands: `python -m supsup_lite.paper --help` lists them."""
