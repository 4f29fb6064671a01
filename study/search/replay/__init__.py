"""Search recorded trainings on a simulated clock."""
