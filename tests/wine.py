"""A Wine of the tests' own: its prefix lies below build/, is made anew and removed at
the end, so that nothing of the user's is read, changed or ended."""
import atexit
import os
import shutil
import subprocess
import tempfile


class Wine:
    """`environment` is what a program needs to run in it: `wine PROGRAM.exe ...`."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.prefix = tempfile.mkdtemp(prefix="wine-", dir=os.path.abspath(folder))
        self.environment = dict(os.environ, WINEPREFIX=self.prefix, WINEARCH="win64", WINEDEBUG="-all", LC_ALL="C.UTF-8",
                                WINEDLLOVERRIDES="winemenubuilder.exe,mscoree,mshtml=d")
        self.environment.pop("DISPLAY", None)
        atexit.register(self.close)
        self.command("wine", "wineboot", "--init")

    def command(self, *words):
        done = subprocess.run(words, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=180)
        return done.returncode

    def drive(self, *parts):
        """A file of its drive C, as this system names it."""
        return os.path.join(self.prefix, "drive_c", *parts)

    def close(self):
        """Ends every program of this prefix, and of no other."""
        if os.path.exists(self.prefix):
            self.command("wineserver", "--kill")
            self.command("wineserver", "--wait")
            shutil.rmtree(self.prefix, ignore_errors=True)
