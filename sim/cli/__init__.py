"""The command `folkmoot`: one verb, its arguments, and errors that a person can act on.

Verbs register under the entry-point group `folkmoot.verbs`, so `folkmoot align` works although nothing here imports
the room it lives in. Only the verb that was asked for is imported.
"""

from __future__ import annotations

import os
import sys

EXIT_OK, EXIT_FAILED, EXIT_USER_ERROR, EXIT_STOPPED, EXIT_INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: list[str] | None = None) -> int:
    """Run one verb and return the exit code: 0 done, 2 user error, 3 stopped by a budget, 130 interrupted."""
    from sim.guard import complaint

    wrong = complaint()
    if wrong:
        print(wrong, file=sys.stderr)
        return EXIT_USER_ERROR
    words = sys.argv[1:] if argv is None else argv
    from agents.errors import UserError

    try:
        code = _dispatch(words)
        sys.stdout.flush()  # here, not at the interpreter's end, where a reader who has left becomes exit code 120
        return code
    except UserError as error:
        print(f"folkmoot: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        print("\nfolkmoot: interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK


def _dispatch(words: list[str]) -> int:
    import argparse

    from agents.errors import UserError, did_you_mean
    from agents.registry import find, names
    from sim.cli.arguments import Arguments

    if words and words[0] == "--version":
        from importlib.metadata import version

        print(version("folkmoot"))
        return EXIT_OK
    if words and words[0] == "--verbs":
        print(" ".join(names("verbs")))
        return EXIT_OK
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return EXIT_OK
    if words[0] not in names("verbs"):
        raise UserError(
            f'"{words[0]}" is not a verb.', "no installed package registers it.", did_you_mean(words[0], names("verbs"))
        )
    verb = find("verbs", words[0])
    parser = Arguments(
        prog=f"folkmoot {words[0]}", description=verb.help, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verb.configure(parser)
    try:
        args = parser.parse_intermixed_args(words[1:])
    except TypeError:  # verbs with sub-verbs cannot mix options and positional words
        args = parser.parse_args(words[1:])
    return int(verb.run(args))


def _overview() -> str:
    from agents.registry import find, names

    width = max(len(name) for name in names("verbs"))
    verbs = "\n".join(f"  {name:<{width}}  {find('verbs', name).help}" for name in names("verbs"))
    return (
        "folkmoot: populations of LLM personas, what they do as alignment data, and the policy trained on it.\n\n"
        f"usage: folkmoot VERB ...\n\nverbs:\n{verbs}\n\n"
        "folkmoot VERB --help tells more; --verbs lists the verbs (for shell completion), --version the version.\n"
        "Exit codes: 0 done, 2 something to put right, 3 stopped by a budget, 130 interrupted (both can be resumed)."
    )
