"""The pages of streamlit_dashboard.py, and what they need beside widgets."""

import runtime  # noqa: F401  before torch is loaded
