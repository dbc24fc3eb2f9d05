"""What is served over HTTP: the page and metrics. Reads the store, and writes nothing."""
