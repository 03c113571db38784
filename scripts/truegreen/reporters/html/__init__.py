"""The parts of the HTML report; `reporters/html_page.py` puts them together."""
