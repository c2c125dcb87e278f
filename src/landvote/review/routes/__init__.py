"""What the page asks for, as JSON and bytes: one module of requests for each of its parts."""
