"""Benchmarks: one row per goal of the project, ours beside a peer or a limit. Run with ``python -m tests.benchmarks``.

They are not tests: nothing fails on a time, the table shows it. A wrong answer is a failure, however fast.
"""
