"""The next runs of a recurring job: each run yields a trained network, and the study is the job's memory."""
