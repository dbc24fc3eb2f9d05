"""What is served over HTTP: the page and metrics."""
