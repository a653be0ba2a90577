"""The pages of plans, and the door for Stripe's events."""
