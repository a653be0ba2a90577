"""Accounts that people look after themselves: signing in and up, passwords, addresses, second factors, passkeys, providers of sign-ins."""
