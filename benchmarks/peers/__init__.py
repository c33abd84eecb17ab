"""Other task systems, side by side with this one: `python -m benchmarks --only peers`.

`roster` names them, `adapters` has a module for each, `environments` installs each for itself; `serve` and `produce`
run in those environments, the rest in the project's own.
"""
