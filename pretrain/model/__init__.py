"""The network, its training, and its export."""
