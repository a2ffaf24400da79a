"""A command of memlab, for `support.started`, that dies when it begins its second run."""

import os

from support.started import command

from memlab.runs import ProcedureLog


def second_run(*words: str) -> None:
    """Run a command that ends without a word when it begins its second run, with code 9."""
    begun, declare = [], ProcedureLog.declare

    def declare_or_die(*arguments: object) -> object:
        begun.append(0)
        return declare(*arguments) if len(begun) < 2 else os._exit(9)  # type: ignore[arg-type]

    ProcedureLog.declare = declare_or_die  # type: ignore[method-assign,assignment]
    command(*words)
