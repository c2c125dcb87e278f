"""The review page: people annotate films and correct proposals in a browser, and every edit is kept."""
