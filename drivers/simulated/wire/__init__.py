"""Wire peers: programs that answer an instrument's protocol, with the simulated furnace's physics behind them.

Protocol cores do no I/O: `feed(bytes, now) -> [(delay, bytes)]`. They are mounted on a pseudo-terminal, on TCP,
or on a link in memory.
"""
