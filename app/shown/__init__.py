"""What a figure of a run says and shows, the same on a page, in a file and in a report. No streamlit, no torch."""
