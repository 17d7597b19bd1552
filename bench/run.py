"""Everything that the performance pages quote: `python bench/run.py [--rounds N] [part …]`.

Each result is a line, `name  ratio  absolute`. A ratio is taken in one run, in which what is measured and what it is
compared with take turns (A B B A …), and is the median of the rounds: the machine may do other things meanwhile. The
absolute numbers are medians too, and are this machine's alone.
"""

from __future__ import annotations

import argparse

import agents
import life
import output
import throughput
from results import show_machine

PARTS = {"throughput": throughput.run, "output": output.run, "life": life.run, "agents": agents.run}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description="Measure gitoma.")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each measurement (default: %(default)s)")
    arguments = parser.parse_args()
    show_machine()
    for part in arguments.parts or PARTS:
        PARTS[part](arguments.rounds)
    show_machine()


if __name__ == "__main__":
    main()
