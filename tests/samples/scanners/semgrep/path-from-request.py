import os

from flask import request, send_file


def download():
    name = request.args["name"]
    # ruleid: path-from-request
    with open("files/" + name) as stream:
        text = stream.read()
    # ruleid: path-from-request
    send_file(os.path.join("files", name))
    # ok: path-from-request
    open("files/" + os.path.basename(name))
    # ok: path-from-request
    return open("files/readme.txt"), text
