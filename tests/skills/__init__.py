"""Skills: the format, folders and zips, who may change which, and agents that read them."""
