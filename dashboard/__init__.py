"""The pages of streamlit_dashboard.py, and what they need beside widgets."""
