"""The next run of a job that is trained again and again: each run a useful one, its memory the study."""
