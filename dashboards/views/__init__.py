"""The pages. Each is a script that Streamlit runs: load, one pure function, one call to show."""
