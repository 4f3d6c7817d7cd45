"""For pytest -p: wherever the suite starts the server of its own sources, it starts borg.exe's instead."""

from borg.remote import RemoteRepository

command = RemoteRepository.borg_cmd


def borg_cmd(self, args, testing):
    words = command(self, args, testing)
    # The interpreter, -m and the module.
    return ["borg.exe", *words[3:]] if testing else words


RemoteRepository.borg_cmd = borg_cmd
