"""Terms of the glossary: lessons link to those there are, and on the site each says what it means."""

import re
from types import SimpleNamespace

import pytest
from glossary import GLOSSARY, LINK, definitions, link_terms
from lessons import LESSONS, ROOT

from tests import small_site


def test_terms_are_in_order_and_mean_something():
    terms = [term for term, _ in definitions().values()]
    assert terms == sorted(terms, key=str.lower)
    assert len(terms) > 30
    assert all(meaning.endswith((".", ").")) for _, meaning in definitions().values())


def test_lessons_link_to_terms_that_there_are():
    known, links = definitions(), [link for lesson in LESSONS for link in LINK.findall(lesson.read_text("utf-8"))]
    assert links
    assert {anchor for _, anchor in links} <= set(known)


# Letters that once stood for something else, too: p for densities and probabilities, pi for permutations, D and n for
# sizes that have words, h for fields; and gradients "in" what they are taken with respect to.
SECOND_MEANINGS = r"H_?2\(p\)|\|2 ?p|\bp\(y|\\pi\(j\)|\[s, D\]|`\[n\]`|h\^\\top|\|h\||gradient (?:in|on) (?:the|\$)"
EXERCISES = sorted(ROOT.glob("supsup_lite/exercises/*.py"))


@pytest.mark.parametrize("path", [*LESSONS, *EXERCISES], ids=lambda path: path.name)
def test_a_letter_has_one_meaning(path):
    assert re.findall(SECOND_MEANINGS, path.read_text("utf-8")) == []


def test_a_second_meaning_is_found():
    was = ["$H_2(p)$", "H2(p) =", "|2p - 1|", "p(y|x)", r"\pi(j)", "`[s, D]`", "`[n]`", r"z h^\top", "|h|"]
    was += ["gradient on $", "gradient in the"]
    assert [words for words in was if not re.search(SECOND_MEANINGS, words)] == []


def test_an_unknown_term_is_refused():
    with pytest.raises(ValueError, match=r"03 links to glossary\.md#term-nothing: the glossary has"):
        link_terms(SimpleNamespace(), "03", ["[x](glossary.md#term-nothing)"])


def test_a_term_says_what_it_means_on_the_site(tmp_path):
    words = "# Terms\n\nLearn [masks](glossary.md#term-mask).\n\n:::{toctree}\nglossary\nnotation\n:::"
    pages = {"index": [words], "glossary": [GLOSSARY.read_text("utf-8")], "notation": ["# Notation"]}
    site = small_site.build(tmp_path, pages)
    (link,) = re.findall(r'<a [^>]*href="glossary.html#term-mask"[^>]*>', (site / "index.html").read_text("utf-8"))
    assert f'title="{definitions()["term-mask"][1]}"' in link
