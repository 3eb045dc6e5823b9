"""The plots: each shows the ticked runs, live and past."""
