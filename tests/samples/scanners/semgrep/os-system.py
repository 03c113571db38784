import asyncio
import os


async def remove(name):
    # ruleid: os-system
    os.system("rm " + name)
    # ruleid: os-system
    os.popen(f"ls {name}")
    # ruleid: os-system
    await asyncio.create_subprocess_shell(f"ls {name}")
    # ok: os-system
    os.system("clear")
    # ok: os-system
    await asyncio.create_subprocess_exec("ls", name)
