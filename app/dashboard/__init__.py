"""How the desk is doing: what is open, how fast it answers, how much of that is read."""
