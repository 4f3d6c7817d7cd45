"""For pytest -p: cases check the repository as ever, but do not compare Borg's own chunks cache, which this program has none of."""

import borg.testsuite.archiver as suite

suite.ArchiverTestCase.check_cache = lambda case: case.cmd("check", case.repository_location)
