"""The SSRF-guarded HTTP client, signatures, sealed secrets, and text that could deceive its reader."""
