"""The dashboard: follow trainings; generate, edit, compare and rate pictures. streamlit run streamlit_dashboard.py"""

import gc

import streamlit as st

from dashboard import view, visits
from dashboard.pages import compare, data, edit, evaluate, generate, runs, samples, train
from dashboard.state import language, say
from dashboard.translations import LANGUAGES
from dashboard.visits import persistent

st.set_page_config(page_title="DDPM-CFG", page_icon="🎨", layout="wide")
visits.resume()
view.style(language())
st.session_state.setdefault("welcome", True)  # with a picture, where nothing was generated yet


@st.cache_resource(show_spinner=False)
def freeze_modules() -> None:
    """Streamlit collects garbage after each run, every few seconds where curves grow; it need not search modules."""
    gc.freeze()


freeze_modules()
PAGES = {
    "data": st.Page(data.page, title=say("Data"), icon=":material/folder_open:", url_path="data"),
    "runs": st.Page(runs.page, title=say("Runs"), icon=":material/monitoring:", url_path="runs"),
    "samples": st.Page(samples.page, title=say("Samples"), icon=":material/grid_view:", url_path="samples"),
    "train": st.Page(train.page, title=say("Train"), icon=":material/model_training:", url_path="train"),
    "generate": st.Page(generate.page, title=say("Generate"), icon=":material/brush:", default=True),
    "edit": st.Page(edit.page, title=say("Edit"), icon=":material/edit:", url_path="edit"),
    "compare": st.Page(compare.page, title=say("Compare"), icon=":material/compare:", url_path="compare"),
    "evaluate": st.Page(evaluate.page, title=say("Evaluate"), icon=":material/fact_check:", url_path="evaluate"),
}
SECTIONS = {"Pictures": ("generate", "edit", "compare", "evaluate"), "Training": ("data", "train", "runs", "samples")}


def first_page() -> None:
    """The first page has no path of its own in Streamlit, but an address that ends in /generate means it too."""
    st.switch_page(PAGES["generate"])


st.session_state.pages = PAGES
listed = {say(name): [PAGES[key] for key in keys] for name, keys in SECTIONS.items()}
listed[say("Pictures")].append(st.Page(first_page, title=say("Generate"), url_path="generate", visibility="hidden"))
chosen = st.navigation(listed)
with st.sidebar:
    st.segmented_control(
        say("Language"),
        LANGUAGES,
        default=LANGUAGES[0],
        required=True,
        on_change=visits.renew,
        **persistent("language"),
    )
chosen.run()
visits.keep()
