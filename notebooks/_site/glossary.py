"""A Sphinx extension: links of a lesson to the glossary become references to its terms, which say what they mean."""

import re
from pathlib import Path

from docutils.nodes import make_id, reference

GLOSSARY = Path(__file__).resolve().parents[1] / "glossary.md"
LINK = re.compile(r"\[([^\]]+)\]\(glossary\.md#(term-[\w-]+)\)")


def definitions() -> dict[str, tuple[str, str]]:
    """Return the terms of the glossary: anchor -> (term, what it means)."""
    (listed,) = re.findall(
        r"^```\{glossary\}\n(.*?)^```", GLOSSARY.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    entries = re.findall(r"^(\S.*)\n((?:    .*\n)+)", listed, re.MULTILINE)
    return {make_id(f"term-{term}"): (term, " ".join(meaning.split())) for term, meaning in entries}


def link_terms(app, docname, source):
    """Replace [words](glossary.md#term-mask), which serves everywhere else, by Sphinx's own reference to the term."""

    def as_role(link: re.Match) -> str:
        if link[2] not in known:
            raise ValueError(f"{docname} links to glossary.md#{link[2]}: the glossary has {', '.join(known)}.")
        return f"{{term}}`{link[1]} <{known[link[2]][0]}>`"

    known = definitions()
    source[0] = LINK.sub(as_role, source[0])


def explain_terms(app, doctree, docname):
    """Give each reference to a term its meaning as a title, which a browser shows when the pointer rests on it."""
    known = definitions()
    for node in doctree.findall(reference):
        anchor = node.get("refuri", "").partition("#")[2]
        if anchor in known:
            node["reftitle"] = re.sub(r"[*`]|\$(.*?)\$", r"\1", known[anchor][1])


def setup(app):
    app.connect("source-read", link_terms)
    app.connect("doctree-resolved", explain_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
