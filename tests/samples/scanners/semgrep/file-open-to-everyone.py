import os
from pathlib import Path


def share(path):
    # ruleid: file-open-to-everyone
    os.chmod(path, 0o777)
    # ruleid: file-open-to-everyone
    Path(path).chmod(0o666)
    # ok: file-open-to-everyone
    os.chmod(path, 0o755)
    # ok: file-open-to-everyone
    Path(path).chmod(0o640)
