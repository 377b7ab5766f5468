import pandas as pd
import pytest

from analysis.figures.tokens import PALETTES
from app.ui.layer_stack import write_stack
from app.ui.text import BREAK, plain, plain_table, plainly
from app.ui.theme import badge
from tests.app.text_calls import APP, find_faults, page_files

PREFIX = "import streamlit as st\n"


def test_no_page_shows_text_that_is_neither_a_literal_nor_escaped():
    assert len(page_files()) > 30
    faults = [f for path in page_files() for f in find_faults(path.read_text("utf-8"), str(path.relative_to(APP)))]
    assert faults == []


@pytest.mark.parametrize(
    "line",
    [
        "st.write(name)",
        "st.caption(f'{name}')",
        "st.caption(f'`{plain(name)}`')",
        "st.caption(f':{plain(name)}')",
        "st.write('fine', name)",
        "left.button(label)",
        "st.page_link('views/runs.py', label=folder.name)",
        "st.toggle('fine', help=words)",
        "st.expander('a' + name)",
        "st.tabs(names)",
        "st.pills('fine', offered)",
        "st.radio('fine', offered, format_func=str)",
        "st.table(frame)",
        "st.html(text)",
        "st.markdown('fine', unsafe_allow_html=True)",
        "st.write(**given)",
        "call(st.warning)",
        "show = st",
        "st.chat_message('user')",
        "from streamlit import write",
        "import streamlit as s",
    ],
)
def test_a_call_that_could_show_marks_from_outside_is_refused(line):
    assert list(find_faults(PREFIX + line, "here")) != []


@pytest.mark.parametrize(
    "line",
    [
        "st.write('*a literal* `code`')",
        "st.write(plain(name))",
        "st.markdown(f'## {plain(name)}, n = {count:,} of {share:.1f} %, {len(rows)} rows')",
        "st.write('a' if x else plain(b))",
        "st.pills('fine', offered, format_func=plain)",
        "st.tabs([plain(name) for name in names])",
        "st.code(command)",
        "file.write(text)",
    ],
)
def test_a_literal_a_number_and_what_is_escaped_pass(line):
    assert list(find_faults(PREFIX + line, "here")) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("epsilon = 3.00 at delta = 6.1e-5, 75.0 % ± 0.4; n = 1,706", None),
        ("20260101-120000-dp_prefix-s0 (dpflat-tiny)", None),
        ("A: measured at 12:30:45; don't - really", None),
        ("![n](http://x/i.png)", rf"!\[n\](http\:{BREAK}//x/i.png)"),
        ("x\n\n# PWNED\n\n[a](b)", r"x \# PWNED \[a\](b)"),
        ("<b>`$x$`</b> *y* ~z~ \\", r"\<b\>\`\$x\$\`\</b\> \*y\* \~z\~ \\"),
        ("_a_ b_c", r"\_a\_ b_c"),
        (":red[x] ends:", r"\:red\[x\] ends\:"),
        (":smile: :material/face:", rf"\:{BREAK}smile: \:{BREAK}material/face\:"),
        ("www.evil.org a@b.org", rf"www{BREAK}.evil.org a{BREAK}@b.org"),
        ("1. one", r"1\. one"),
        ("100. one", r"100\. one"),
        ("12345678) one", r"12345678\) one"),
        ("- one", r"\- one"),
        ("--- one", r"\--- one"),
        ("&lt;b&gt; R&D a & b", r"\&lt;b\&gt; R\&D a & b"),
        ("a\u202eb\x00c", "a b c"),
    ],
)
def test_every_mark_is_shown_as_it_was_written_and_plain_sentences_stay_as_they_are(text, shown):
    assert plain(text) == (text if shown is None else shown)


def test_options_tables_and_html_are_escaped_where_streamlit_reads_them():
    assert plainly({1: "<b>"}.__getitem__)(1) == r"\<b\>"
    table = plain_table(pd.DataFrame({"[a](b)": ["*x*", 1.5]}, index=pd.Index(["![i](j)", "k"], name="$s$")))
    assert table.columns.tolist() == [r"\[a\](b)"]
    assert table.iloc[:, 0].tolist() == [r"\*x\*", 1.5]
    assert table.index.tolist() == [r"!\[i\](j)", "k"]
    assert table.index.name == r"\$s\$"
    assert "<img" not in badge("<img src=x>", "<img src=y>")
    assert "<img" not in write_stack(2, (1,), PALETTES["light"])
