"""Write and read a study's folder, and resume from it."""
