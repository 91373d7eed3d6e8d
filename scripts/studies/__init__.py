"""The trainings of docs/REPORT.md: which there are, how they are run and measured, how the report is written."""
