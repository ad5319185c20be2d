# SPDX-License-Identifier: LGPL-2.1-or-later
"""targets.py: the fuzz targets, and how they are started."""
import glob
import os

from agent.driver import environment as of_programs

HERE = os.path.dirname(os.path.abspath(__file__))


def names():
    return sorted(os.path.basename(path)[len("fuzz_") : -len(".cc")] for path in glob.glob(f"{HERE}/fuzz_*.cc"))


def program(build, name, variant="fuzz"):
    return os.path.join(build, variant, "tests", "fuzz", f"fuzz_{name}")


def seeds(name):
    return os.path.join(HERE, "corpus", name)


def command(build, name, corpora, options):
    # One input is never long at work; a hang is a finding.
    usual = ["-timeout=120", "-print_final_stats=1", "-max_len=8192", "-use_value_profile=1", "-verbosity=0"]
    if name == "broker":
        # Its mutator knows which values count, so an account of all that were compared would only take a third of the time. And what it keeps
        # from one input to the next is taken for a leak, and costs a second look; at the end all is looked at.
        usual += ["-use_value_profile=0", "-entropic=0", "-detect_leaks=0"]
    return [program(build, name), *usual, *options, *corpora, seeds(name)]


def environment():
    return of_programs()
