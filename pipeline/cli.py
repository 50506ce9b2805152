"""pairmill STAGE ...

`pairmill STAGE ...` is `python -m stages.STAGE ...`, for every stage; TOOLS says what other commands run. All are
found by name when they are asked for, so that the list below costs no import and `pipeline` knows no stage.
"""

from __future__ import annotations

import argparse
import difflib
import runpy
import sys
from collections.abc import Sequence

from pipeline import __version__
from pipeline.errors import UsageError

COMMANDS: tuple[tuple[str, str], ...] = (
    ("assets", "fetch the pictures and models that a profile needs"),
    ("convert", "turn published MiniGPT-4 weights into a checkpoint"),
    ("export", "write a checkpoint as transformers' own BLIP-2"),
    ("corpus", "list candidate pictures with their captions and addresses"),
    ("sample", "draw the pictures to curate, to train on and to evaluate on"),
    ("download", "fetch and check the sampled pictures"),
    ("pretrain", "train stage 1: the projection from vision to language"),
    ("describe", "have the stage-1 model describe every picture"),
    ("filter", "mend what is safe to mend and reject what rules find broken"),
    ("rewrite", "have a language model repair the descriptions"),
    ("ground", "measure how well each text belongs to its picture"),
    ("verify", "hold the final texts against every rule again"),
    ("emit", "write the pairs, the rejects and the ledger that balances them"),
    ("train", "fine-tune on the pairs"),
    ("evaluate", "measure failures before and after on held-out pictures"),
    ("report", "put figures, samples and rejects on one page"),
    ("check", "hold the captions of a file against the rules"),
    ("evaluate-rules", "measure the rules' precision and recall on labelled captions"),
    ("sweep", "show what other limits of the rules would keep and remove"),
)
TOOLS = {  # commands that are no stage, and their modules
    "assets": "pipeline.assets",
    "convert": "pipeline.convert",
    "export": "pipeline.export",
    "check": "tools.check",
    "evaluate-rules": "tools.evaluate_rules",
    "sweep": "tools.sweep",
}


def module_of(command: str) -> str:
    """The module that a command runs. Raises UsageError that names the nearest command."""
    names = [name for name, _ in COMMANDS]
    if command not in names:
        near = difflib.get_close_matches(command, names, n=1, cutoff=0.0)
        raise UsageError(f"no stage {command!r}; did you mean {near[0]}? `pairmill --help` lists them all")
    return TOOLS.get(command, f"stages.{command}")


def _parser() -> argparse.ArgumentParser:
    width = max(len(name) for name, _ in COMMANDS)
    listed = "\n".join(f"  {name:<{width}}  {line}" for name, line in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="pairmill",
        usage="pairmill STAGE [--profile NAME] ...",
        description="Curate image-description pairs for vision-language models.",
        epilog=f"stages, in the order of the pipeline (`pairmill STAGE --help` tells more):\n{listed}\n\n"
        "`dvc repro` runs all that is out of date.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pairmill {__version__}")
    parser.add_argument("stage", nargs="?", metavar="STAGE", help=argparse.SUPPRESS)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage by name; the stage ends the process with its own exit code (2: there is no such stage)."""
    words = sys.argv[1:] if argv is None else list(argv)
    parser = _parser()
    command = parser.parse_args(words[:1]).stage
    if command is None:
        parser.print_help(sys.stderr)
        return UsageError.exit_code
    try:
        module = module_of(command)
    except UsageError as error:
        print(f"pairmill: error: {error}", file=sys.stderr)
        return error.exit_code
    sys.argv[1:] = words[1:]
    # As `python -m` does it, `__main__` included: worker processes that are spawned import it again.
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
