"""Text of the recommendation: the advice, its caveats, greenhouse gas and money."""
