"""Run as a process of its own, for galvani's licence (GPL): prints the EIS columns of an .mpt file as JSON."""

import json
import sys

from galvani.BioLogic import MPTfile

table, comments = MPTfile(sys.argv[1])
names = table.dtype.names
print(json.dumps({"comments": len(comments), **{name: table[name].tolist() for name in names}}))
