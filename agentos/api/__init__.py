"""The JSON face: the spec's endpoints under /api/v1/agentos/. Siblings of the pages, over the same actions."""
