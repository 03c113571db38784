import subprocess
from subprocess import run


def listing(name):
    # ruleid: shell-true
    subprocess.call("ls " + name, shell=True)
    # ruleid: shell-true
    run(f"ls {name}", check=True, shell=True)
    # ok: shell-true
    subprocess.run("ls | wc -l", shell=True, check=True)
    # ok: shell-true
    subprocess.run(["ls", name], check=True)
