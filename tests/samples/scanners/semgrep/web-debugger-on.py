import os

from fastapi import FastAPI
from flask import Flask

app = Flask(__name__)
# ruleid: web-debugger-on
app.config["DEBUG"] = True
# ruleid: web-debugger-on
api = FastAPI(title="ledger", debug=True)
# ruleid: web-debugger-on
app.run(port=8000, debug=True)
# ok: web-debugger-on
app.run(debug=os.environ.get("LOCAL") == "1")
# ok: web-debugger-on
FastAPI(title="ledger")
