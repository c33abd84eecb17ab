"""A module per peer, imported only in an environment that has it.

Each has `producer`, an asynchronous context manager that yields a `Producer`, and `work`, which is a worker of one
process until it is ended.
"""
