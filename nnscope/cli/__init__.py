"""The command line: one file per command. Data goes to stdout, everything said goes to stderr.

Exit codes: 0 done, 1 a stated failure, 2 wrong usage.
"""
