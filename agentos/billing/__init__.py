"""Plans that are paid for, by Stripe. Without ``AGENTOS_STRIPE_KEY`` nothing of it is imported or shown."""
