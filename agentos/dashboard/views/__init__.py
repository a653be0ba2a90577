"""The pages, one module per noun. Views parse, call one action or a query or two, and answer."""
