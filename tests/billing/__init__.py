"""Plans that are paid for: against a Stripe of ours (fake.py), with the real package."""
