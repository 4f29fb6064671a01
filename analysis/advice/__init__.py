"""Turn findings into sentences: the recommendation, greenhouse gas and money."""
