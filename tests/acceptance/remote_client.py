"""For pytest -p: every repository of borg.exe is at the other end of a line, where the real borg serves it."""

import os

import borg.testsuite.archiver as suite

set_up = suite.ArchiverTestCaseBinary.setUp


def far(case):
    # The suite starts every case with an environment of its own.
    os.environ["BORG_RSH"] = os.path.join(os.path.dirname(__file__), "line.sh")
    set_up(case)


suite.ArchiverTestCaseBinary.setUp = far
suite.ArchiverTestCaseBinary.prefix = "ssh://host"
