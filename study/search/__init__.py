"""Search for a good setup instead of training the grid, stopping trials before they waste energy."""
