"""Which calls of a page show text that Streamlit reads as Markdown or HTML, and which arguments are safe there."""

import ast
import re
from pathlib import Path

APP = Path(__file__).parents[2] / "app"
BODIES = {
    *("markdown", "caption", "write", "error", "warning", "info", "success", "title", "header", "subheader", "toast"),
    *("spinner", "badge", "metric", "status"),
}
LABELLED = {
    *("button", "download_button", "link_button", "form_submit_button", "menu_button", "expander", "popover", "tabs"),
    *("checkbox", "toggle", "selectbox", "multiselect", "radio", "pills", "segmented_control", "select_slider"),
    *("slider", "number_input", "text_input", "text_area", "file_uploader", "date_input", "time_input", "chat_input"),
    *("color_picker", "camera_input", "audio_input", "feedback", "progress", "page_link", "dialog", "Page"),
}
TEXTS = BODIES | LABELLED
NAMED = {"body", "label", "text", "help", "title", "captions", "delta", "icon"}
"""Arguments by name that are read as Markdown, whatever the call."""
NO_TEXT_FIRST = {"page_link", "progress", "Page"}
NAMES_OPTIONS = {"pills", "segmented_control", "radio"}
"""Controls that read the names of their options as Markdown."""
NO_TEXT = {
    *("session_state", "container", "query_params", "columns", "rerun", "fragment", "context", "switch_page", "empty"),
    *("cache_data", "set_page_config", "navigation", "sidebar", "form", "delta_generator"),
    *("code", "dataframe", "plotly_chart", "vega_lite_chart", "json"),  # these show text as it is
}
OTHERS = {"html", "table"}
HTML_WRITERS = {"badge", "write_stack", "write_strip", "style_of"}
"""Functions that give HTML; a test each says that they escape what they are given."""
ESCAPERS = {"plain"}
NUMERIC = re.compile(r"[<>=^+ 0-9.,]*[,dfgeE%]")
MARKS = re.compile(r"[`\[\]<$\\]|:$|!$")
"""What a literal part of an f-string may not hold: beside it an escape would be read otherwise."""


def is_safe(node):
    """Whether an argument is a literal, escaped, or made of such parts."""
    match node:
        case ast.Constant():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in ESCAPERS
        case ast.JoinedStr(values=values):
            texts = [v.value for v in values if isinstance(v, ast.Constant)]
            holes = [v for v in values if isinstance(v, ast.FormattedValue)]
            return all(map(is_number_or_safe, holes)) and not (holes and any(map(MARKS.search, texts)))
        case ast.IfExp(body=body, orelse=other):
            return is_safe(body) and is_safe(other)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return all(map(is_safe, elements))
        case ast.ListComp(elt=element):
            return is_safe(element)
    return False


def is_number_or_safe(hole):
    """A placeholder with a format that only numbers take, a length, or a safe text."""
    if hole.format_spec is not None:
        spec = hole.format_spec.values
        return len(spec) == 1 and isinstance(spec[0], ast.Constant) and bool(NUMERIC.fullmatch(spec[0].value))
    return is_safe(hole.value) or (isinstance(hole.value, ast.Call) and getattr(hole.value.func, "id", "") == "len")


def names_safely(call):
    """Whether the options of a control are named by the escaper."""
    given = next((k.value for k in call.keywords if k.arg == "format_func"), None)
    if isinstance(given, ast.Name):
        return given.id in ESCAPERS
    return isinstance(given, ast.Call) and getattr(given.func, "id", "") == "plainly"


def faults_of_call(call):
    """The arguments of one call that are neither literal nor escaped."""
    name = call.func.attr
    named = {k.arg: k.value for k in call.keywords}
    if "unsafe_allow_html" in named or "unsafe_allow_javascript" in named or None in named:
        yield "an argument that a page must not use"
    if name == "html":
        written = call.args[0] if len(call.args) == 1 else None
        if not isinstance(written, ast.Call) or getattr(written.func, "id", "") not in HTML_WRITERS:
            yield "HTML that no declared writer gives"
    elif name == "table":
        written = call.args[0] if len(call.args) == 1 else None
        if not isinstance(written, ast.Call) or getattr(written.func, "id", "") != "plain_table":
            yield "a table without plain_table"
    elif name in TEXTS:
        shown = [] if name in NO_TEXT_FIRST else call.args if name in {"write", "metric"} else call.args[:1]
        texts = [*shown, *(value for key, value in named.items() if key in NAMED)]
        yield from (ast.unparse(text) for text in texts if not is_safe(text))
        if name in NAMES_OPTIONS and not names_safely(call):
            yield "options that plain does not name"


def find_faults(source, where):
    """Every place of a page's code where text from outside could be read as Markdown or HTML."""
    tree = ast.parse(source)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    streamlit = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    for node in ast.walk(tree):
        at = f"{where}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in TEXTS | OTHERS and not is_other_object(node.func):
                yield from (f"{at}: {name}: {fault}" for fault in faults_of_call(node))
            case ast.Attribute(value=ast.Name(id="st"), attr=name):
                if name not in TEXTS | OTHERS | NO_TEXT:
                    yield f"{at}: st.{name} is in no list of this test"
                elif name in TEXTS | OTHERS and id(node) not in called:
                    yield f"{at}: st.{name} is handed on as a function"
            case ast.Name(id="st") if id(node) not in streamlit:
                yield f"{at}: streamlit itself is handed on"
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "streamlit":
                if {alias.name for alias in node.names} - {"DeltaGenerator"}:
                    yield f"{at}: a part of streamlit is imported by name"
            case ast.Import(names=names):
                yield from (
                    f"{at}: streamlit by another name" for a in names if a.name == "streamlit" and a.asname != "st"
                )


def is_other_object(function):
    """Whether a method of that name belongs to something that is no page: a file, an analysis that is asked."""
    return isinstance(function.value, ast.Name) and function.value.id in {"asked", "file"}


def page_files():
    """The code of the app that speaks to Streamlit."""
    return [path for path in sorted(APP.rglob("*.py")) if "import streamlit" in path.read_text("utf-8")]
